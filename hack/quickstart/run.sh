#!/usr/bin/env bash
# Installs the operator with two tenants into the cluster that kubectl talks to, and provisions users into them as
# Microsoft Entra ID and Okta do. `make quickstart` runs this once the cluster and the image are there. It may be
# run again at any time.
#
# Environment: HELM is the helm program, IMG the image that the cluster has, KUBECONFIG the cluster.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source hack/lib/nodeport.sh

readonly operator_namespace=kubescim-system
readonly tenants=(acme globex) # each in the namespace of its name
readonly samples=(-f config/samples/acme-entra.yaml -f config/samples/globex-okta.yaml)
readonly annotation=quickstart.kubescim.dev/image

HELM=${HELM:-bin/helm}
IMG=${IMG:-kubescim/kubescim:dev}
KUBECONFIG=${KUBECONFIG:-$HOME/.kube/config}
export KUBECONFIG

step() { printf '\n==> %s\n' "$*"; }

# diagnose shows what a person would look at first.
diagnose() {
  [[ $BASHPID == "$$" ]] || exit 1 # a subshell has failed, and its parent will say so
  trap - ERR
  printf '\nThe quickstart has failed. This is what the cluster says:\n\n' >&2
  {
    kubectl get scimtenants,scimapikeys -A -o wide || true
    kubectl get pods -A -l 'app.kubernetes.io/part-of=kubescim' || true
    kubectl logs -n "$operator_namespace" deployment/kubescim --tail=10 || true
  } >&2
  exit 1
}

# make_namespace makes a namespace and marks it as one that down.sh may delete.
make_namespace() {
  kubectl get namespace "$1" >/dev/null 2>&1 && return
  kubectl create namespace "$1" --save-config
  kubectl label namespace "$1" kubescim.dev/quickstart=true >/dev/null
}

# image_id tells one build of the image from another of the same tag.
image_id() {
  [[ -f .cluster/image.tar ]] || { echo unknown; return; }
  sha256sum .cluster/image.tar | cut -c1-16
}

installed_image_id() {
  kubectl get deployment kubescim -n "$operator_namespace" --ignore-not-found \
    -o jsonpath="{.spec.template.metadata.annotations.${annotation//./\\.}}"
}

install_operator() {
  "$HELM" upgrade --install kubescim charts/kubescim --namespace "$operator_namespace" \
    --set "image.repository=${IMG%:*}" --set "image.tag=${IMG##*:}" \
    --set-string "podAnnotations.${annotation//./\\.}=$(image_id)" \
    --wait --timeout 3m >/dev/null
  kubectl get deployment kubescim -n "$operator_namespace"
}

# apply_samples applies the tenants and keys. Their namespaces are among the samples, and are there by then.
apply_samples() { kubectl apply "${samples[@]}" | grep -v '^namespace/'; }

# apply_ports gives each tenant a port of the node. kubectl would print the same line for each, without the namespace.
apply_ports() {
  kubectl apply -f hack/quickstart/nodeports.yaml >/dev/null
  kubectl get services -A --field-selector metadata.name=quickstart -o custom-columns=NAMESPACE:.metadata.namespace,NODEPORT:.spec.ports[0].nodePort
}

# key_of is the API key that the samples have for a tenant.
key_of() {
  kubectl get "${samples[@]}" -o jsonpath='{range .items[*]}{.kind} {.metadata.namespace} {.metadata.name}{"\n"}{end}' |
    awk -v tenant="$1" '$1 == "ScimApiKey" && $2 == tenant {print $3}'
}

await_ready() {
  local tenant
  for tenant in "${tenants[@]}"; do
    kubectl wait -n "$tenant" --for=condition=Ready --timeout=3m "scimtenant/$tenant" "scimapikey/$(key_of "$tenant")"
  done
}

# servers lists the namespace and the Deployment of every tenant's server in the cluster.
servers() {
  kubectl get deployments -A -l app.kubernetes.io/managed-by=kubescim --no-headers \
    -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name
}

# restart_servers gives a rebuilt image of the same tag to servers, given as lines of servers. Those of the quickstart's
# own tenants are waited for.
restart_servers() {
  local namespace name
  while read -r namespace name; do
    kubectl rollout restart -n "$namespace" "deployment/$name"
  done <<<"$1"
  for namespace in "${tenants[@]}"; do
    kubectl rollout status -n "$namespace" "deployment/$namespace-scim" --timeout=3m
  done
}

# ensure_handover makes a key again whose Secret somebody deleted after copying the token: it is told only once.
ensure_handover() {
  local tenant=$1 key
  key=$(key_of "$tenant")
  kubectl get secret -n "$tenant" "$(secret_of "$tenant")" >/dev/null 2>&1 && return
  echo "the Secret of key $key is gone; making the key again"
  kubectl delete scimapikey -n "$tenant" "$key" --timeout=2m
  apply_samples >/dev/null
  await_ready
}

secret_of() {
  kubectl get scimapikey -n "$1" "$(key_of "$1")" -o jsonpath='{.status.secretName}'
}

# secret_value prints one entry of the Secret of a tenant's key.
secret_value() {
  kubectl get secret -n "$1" "$(secret_of "$1")" -o jsonpath="{.data.$2}" | base64 -d
}

# base_path is the path of a tenant's URL.
base_path() {
  local url
  url=$(secret_value "$1" url)
  url=${url#*://}
  echo "/${url#*/}"
}

# write_env writes what a shell needs to play on. The tokens are in this file and nowhere else outside the cluster.
write_env() {
  local env=.quickstart/env url_a url_b
  url_a=$(base_url acme quickstart "$(base_path acme)" "$(secret_value acme token)")
  url_b=$(base_url globex quickstart "$(base_path globex)" "$(secret_value globex token)")
  (umask 077 && mkdir -p .quickstart && : >"$env.new")
  {
    printf 'export KUBECONFIG=%q\n' "$KUBECONFIG"
    if [[ $(command -v kubectl) == "$PWD/"* ]]; then
      printf 'export PATH=%q:"$PATH"\n' "$(dirname "$(command -v kubectl)")"
    fi
    printf 'export SCIM_URL=%q\n' "$url_a"
    printf 'export SCIM_TOKEN=%q\n' "$(secret_value acme token)"
    printf 'export SCIM_NAMESPACE=acme\nexport SCIM_TENANT=acme\n'
    printf 'export SCIM_URL_B=%q\n' "$url_b"
    printf 'export SCIM_TOKEN_B=%q\n' "$(secret_value globex token)"
    printf 'export SCIM_NAMESPACE_B=globex\nexport SCIM_TENANT_B=globex\n'
  } >"$env.new"
  chmod 600 "$env.new"
  mv "$env.new" "$env"
  echo "acme    $url_a"
  echo "globex  $url_b"
}

# play hands the tokens over in the environment: the arguments of a program can be read by everybody on a machine.
play() (
  # shellcheck disable=SC1091
  source .quickstart/env
  go -C hack run ./quickstart/session
)

next_steps() {
  cat <<'TEXT'

The cluster keeps running. To go on by hand:

  source .quickstart/env
  kubectl get scimusers -n acme -o wide
  curl -K- "$SCIM_URL/Users" <<<"header = \"Authorization: Bearer $SCIM_TOKEN\""

What the resources mean is in docs/concepts.md, how to connect an identity provider in docs/identity-providers/.
Run `make quickstart` again after changing the code; `make quickstart-down` removes all this, and
`make cluster-down` the cluster.
TEXT
}

main() {
  local before older="" tenant
  trap diagnose ERR
  step "Installing the operator ($IMG)"
  before=$(installed_image_id)
  if [[ -n $before ]]; then older=$(servers); fi
  make_namespace "$operator_namespace"
  install_operator

  step "Making the tenants acme (Microsoft Entra ID) and globex (Okta), with an API key each"
  for tenant in "${tenants[@]}"; do make_namespace "$tenant"; done
  apply_samples
  apply_ports
  await_ready
  if [[ -n $older && $before != "$(image_id)" ]]; then
    step "Restarting the servers of all tenants that were there with the new image"
    restart_servers "$older"
  fi

  step "Writing the base URLs and tokens to .quickstart/env"
  for tenant in "${tenants[@]}"; do ensure_handover "$tenant"; done
  write_env

  step "Provisioning as Microsoft Entra ID and Okta do"
  play

  step "What Kubernetes has now"
  # The servers report how many users they have every few seconds.
  for tenant in "${tenants[@]}"; do
    kubectl wait -n "$tenant" --for=jsonpath='{.status.users}'=2 --timeout=20s "scimtenant/$tenant" >/dev/null || true
  done
  # Other namespaces may have users of others, who are personal data.
  for tenant in "${tenants[@]}"; do
    printf '\n--- namespace %s\n' "$tenant"
    kubectl get scimtenants,scimapikeys,scimusers,scimgroups -n "$tenant"
  done
  next_steps
}

main
