#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version.
#
# usage: hack/release/notes.sh v0.2.0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly VERSION=${1#v}
notes=$(awk -v heading="## [$VERSION]" '
  index($0, heading) == 1 { found = 1; next }
  found && (/^## / || /^\[[^]]*\]: /) { exit }
  found { print }
' CHANGELOG.md)
if [[ -z ${notes//[[:space:]]/} ]]; then
  echo "release: CHANGELOG.md says nothing of $VERSION: rename its section Unreleased to [$VERSION], with the date" >&2
  exit 1
fi
printf '%s\n' "$notes"
