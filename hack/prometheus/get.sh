#!/usr/bin/env bash
# Puts prometheus and promtool into a folder, for tests: those of Debian's package, which is unpacked there and not
# installed, so that no service starts. `make test` and `make e2e` run this once.
set -Eeuo pipefail

readonly programs=(prometheus promtool)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  for program in "${programs[@]}"; do ln -sf "$(command -v "$program")" "$folder/$program"; done
  exit
fi
if ! command -v apt-get >/dev/null; then
  echo "this machine has no apt-get; put ${programs[*]} of Prometheus on the PATH" >&2
  exit 1
fi
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
cd "$unpacked"
download() { apt-get download -qq -o APT::Sandbox::User="$(id -un)" prometheus; } # Nobody else may write in this folder.
download || { apt-get update -qq && download; }
dpkg-deb --extract prometheus_*.deb .
for program in "${programs[@]}"; do install "usr/bin/$program" "$folder/$program"; done
