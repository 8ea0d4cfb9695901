#!/usr/bin/env bash
# Installs the operator of an earlier commit into the cluster that kubectl talks to, over one that is there: builds its
# image from a worktree of that commit, loads it, and installs the chart of that commit. The commit is named by
# hack/upgrade/previous. test/e2e/upgrade calls this, and then upgrades to the present operator. Arguments go to helm.
#
# Environment: HELM is the helm program, KUBECONFIG the cluster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly IMAGE=kubescim/kubescim:previous
HELM=${HELM:-bin/helm}
COMMIT=$(<hack/upgrade/previous)

if ! git cat-file -e "$COMMIT^{commit}" 2>/dev/null; then
  echo "The commit $COMMIT, which hack/upgrade/previous names, is not in this clone." >&2
  if [[ $(git rev-parse --is-shallow-repository) == true ]]; then
    echo "The clone is shallow. Get the rest of it: git fetch --unshallow" >&2
  else
    echo "Get it: git fetch origin $COMMIT" >&2
  fi
  exit 1
fi

work=$(mktemp -d)
cleanup() {
  git worktree remove --force "$work/source" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# The present release keeps older ones from lowering its CustomResourceDefinitions, which is what this does.
kubectl delete validatingadmissionpolicybinding kubescim-definitions --ignore-not-found

git worktree add --quiet --detach "$work/source" "$COMMIT"
echo "building the operator of commit ${COMMIT:0:10}"
# Where older commits, and where newer ones have the version.
version="-X main.version=${COMMIT:0:10} -X github.com/kubescim/kubescim/internal/program.Version=${COMMIT:0:10}"
GOOS=linux CGO_ENABLED=0 go -C "$work/source" build -trimpath -buildvcs=false -ldflags "-s -w $version" \
  -o "$work/" ./cmd/manager ./cmd/scim-server
go -C hack run ./image -tag "$IMAGE" -o "$work/image.tar" -load "$work/manager" "$work/scim-server"

"$HELM" upgrade --install kubescim "$work/source/charts/kubescim" --namespace kubescim-system --create-namespace \
  --reset-values --set "image.repository=${IMAGE%:*}" --set "image.tag=${IMAGE##*:}" --wait --timeout 3m "$@" >/dev/null
echo "the operator of commit ${COMMIT:0:10} is installed"
