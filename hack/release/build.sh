#!/usr/bin/env bash
# Makes what a release publishes, in dist: the image for two architectures, the chart, the plugin of kubectl for four
# platforms, and checksums. `make release` calls this, after `make dist` has written the manifests there. The same
# commit makes the same bytes.
#
# usage: hack/release/build.sh IMAGE:TAG
# Environment: HELM is the helm program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly IMG=$1 VERSION=${1##*:}
HELM=${HELM:-bin/helm}

if ! [[ $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  echo "release: the tag of $IMG is no version: write IMG=ghcr.io/kubescim/kubescim:v0.2.0" >&2
  exit 1
fi
if [[ $(git describe --tags --always --dirty) != "$VERSION" ]]; then
  echo "release: this is $(git describe --tags --always --dirty) and not $VERSION: check out the tag, with nothing changed" >&2
  exit 1
fi
if ! hack/release/notes.sh "$VERSION" >/dev/null; then
  exit 1
fi

committed=$(git log -1 --format=%ct)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -rf dist/image
go -C hack run ./image -tag "$IMG" -layout dist/image

# The chart's own version is without the v, which Helm asks for; the image that it installs has one.
cp -r charts/kubescim "$work/"
sed -i "s|^  repository: kubescim/kubescim\$|  repository: ${IMG%:*}|" "$work/kubescim/values.yaml"
find "$work/kubescim" -exec touch --date="@$committed" {} +
"$HELM" package "$work/kubescim" --version "${VERSION#v}" --app-version "$VERSION" --destination dist
if ! "$HELM" template kubescim "dist/kubescim-${VERSION#v}.tgz" | grep -q -F "image: \"$IMG\""; then
  echo "release: the chart does not install $IMG: see what is written into its values here" >&2
  exit 1
fi

for platform in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64; do
  echo "release: building kubectl-scim for $platform" >&2
  GOOS=${platform%_*} GOARCH=${platform#*_} CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X github.com/kubescim/kubescim/internal/program.Version=$VERSION" -o "$work/kubectl-scim" ./cmd/kubectl-scim
  install -m 0755 cmd/kubectl-scim/kubectl_complete-scim "$work/"
  install -m 0644 LICENSE "$work/"
  tar --create --sort=name --mtime="@$committed" --owner=0 --group=0 --numeric-owner --directory "$work" \
    kubectl-scim kubectl_complete-scim LICENSE | gzip --no-name >"dist/kubectl-scim_$platform.tar.gz"
done

cd dist
sha256sum -- *.yaml *.tgz *.tar.gz >checksums.txt
