#!/usr/bin/env bash
# Runs a command while NetworkPolicies are enforced on the local cluster: hack/network-policy/run.sh COMMAND [ARGUMENT…].
# kube-router does that, of the version that go.mod pins, with its policy controller alone. It is built once and kept
# where the cluster's programs are. Whether the command succeeds or not, nothing of it is left afterwards. Another
# cluster than the local one has to enforce them itself: there, the command alone is run.
#
# Environment: KUBECONFIG is the cluster, KUBESCIM_CACHE the folder of built programs.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly module=github.com/cloudnativelabs/kube-router/v2
readonly log=.cluster/kube-router.log
# How long kube-router may take until its first rules are there, and to end, in seconds.
readonly patience=60

# build sets program to kube-router's, and builds it unless it is there.
build() {
  go -C hack/network-policy mod download "$module"
  local version
  version=$(go -C hack/network-policy list -m -f '{{.Version}}' "$module")
  local folder=${KUBESCIM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubescim}/kube-router-$version-$(go env GOOS)-$(go env GOARCH)
  program=$folder/kube-router
  [[ -x $program ]] && return
  echo "building kube-router $version; this takes about four minutes, once" >&2
  mkdir -p "$folder"
  local built
  built=$(mktemp "$folder/.building-XXXXXX")
  go -C hack/network-policy build -buildvcs=false -ldflags '-s -w' -o "$built" "$module/cmd/kube-router"
  chmod 0755 "$built"
  mv "$built" "$program"
}

# enforced reports whether kube-router's rules are in force: they come all at once, a chain for each pod among them.
enforced() { iptables-save -t filter 2>/dev/null | grep '^:KUBE-POD-FW-' >/dev/null; }

# clean removes what kube-router leaves when it ends: its chains, and the sets of addresses that they go by.
clean() {
  local hook chain set
  for hook in INPUT FORWARD OUTPUT; do
    while read -r rule; do
      eval "iptables -w -D ${rule#-A }" # Comments in it are in quotes.
    done < <(iptables -w -S "$hook" | grep -- "-j KUBE-ROUTER-$hook")
  done
  local chains
  chains=$(iptables -w -S | sed -n 's/^-N \(KUBE-\(ROUTER\|POD-FW\|NWPLCY\)-.*\)/\1/p')
  for chain in $chains; do iptables -w -F "$chain"; done
  for chain in $chains; do iptables -w -X "$chain"; done
  for set in $(ipset list -n | grep -E '^(inet6:)?KUBE-(SRC|DST)-'); do ipset destroy "$set"; done
}

finish() {
  if [[ -n ${router:-} ]]; then
    kill "$router" 2>/dev/null || true
    for ((i = 0; i < patience; i++)); do kill -0 "$router" 2>/dev/null || break; sleep 1; done
    kill -KILL "$router" 2>/dev/null || true
    wait "$router" || true
  fi
  clean
}

if [[ $(kubectl config current-context) != kubescim-local ]]; then
  echo "this is not the local cluster: its own network plugin has to enforce NetworkPolicies" >&2
  exec "$@"
fi
missing=()
for command in ipset iptables; do command -v "$command" >/dev/null || missing+=("$command"); done
if ((${#missing[@]})); then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
build
trap finish EXIT
"$program" --run-router=false --run-firewall=true --run-service-proxy=false --health-port=0 --iptables-sync-period=1m \
  --kubeconfig="$KUBECONFIG" --hostname-override="$(kubectl get nodes -o jsonpath='{.items[0].metadata.name}')" \
  --service-cluster-ip-range="$(kubectl get servicecidr kubernetes -o jsonpath='{.spec.cidrs[0]}')" >"$log" 2>&1 &
router=$!
for ((i = 0; i < patience; i++)); do
  enforced && break
  kill -0 "$router" 2>/dev/null || { tail -n 20 "$log" >&2; exit 1; }
  sleep 1
done
enforced || { echo "kube-router has made no rules within $patience seconds:" >&2; tail -n 20 "$log" >&2; exit 1; }
"$@"
