# What stands before the commands of a document, so that they can be run where there is an API server and nothing else.
set -e

# Nobody is let in by what is not there to be found.
grep() { command grep "$@" || [ $? = 1 ]; }

issued=2026-01-01T00:00:00Z
trap 'echo "failed in the commands that begin at $block" >&2' ERR
