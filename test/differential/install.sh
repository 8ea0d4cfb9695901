#!/usr/bin/env bash
# Installs the packages for Node.js that `make differential` compares the protocol engine with, as package-lock.json
# pins them; and Node.js itself, from Debian, where there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  if ! command -v apt-get >/dev/null; then
    echo "There is no node or no npm, and no apt-get to install them: install Node.js 18 or newer, with npm." >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
