#!/usr/bin/env bash
# Pushes the image and the chart that `make release` has made, and prints their digests, each as NAME=DIGEST.
#
# usage: hack/release/push.sh IMAGE:TAG oci://REGISTRY/CHARTS
# Environment: CRANE and HELM are the programs; HELM_PUSH_FLAGS has further flags, such as --plain-http.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly IMG=$1 CHARTS=$2
CRANE=${CRANE:-bin/crane}
HELM=${HELM:-bin/helm}

"$CRANE" push dist/image "$IMG" >&2
echo "image=$("$CRANE" digest "$IMG")"

version=${IMG##*:}
# shellcheck disable=SC2086 # These are several words.
"$HELM" push "dist/kubescim-${version#v}.tgz" "$CHARTS" ${HELM_PUSH_FLAGS:-} >&2
echo "chart=$("$CRANE" digest "${CHARTS#oci://}/kubescim:${version#v}")"
