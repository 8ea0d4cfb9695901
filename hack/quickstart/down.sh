#!/usr/bin/env bash
# Removes what run.sh installed. The cluster stays; `make cluster-down` removes that.
#
# Environment: HELM is the helm program, KUBECONFIG the cluster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly operator_namespace=kubescim-system
readonly tenants=(acme globex)

HELM=${HELM:-bin/helm}

step() { printf '==> %s\n' "$*"; }

has_crds() { kubectl get crd scimtenants.scim.kubescim.dev >/dev/null 2>&1; }

# delete_tenant deletes a tenant and its keys while the operator is there to do what that means. Where it is not,
# their finalizers are removed instead.
delete_tenant() {
  local tenant=$1 object
  kubectl delete scimapikeys,scimtenants -n "$tenant" --all --timeout=2m && return
  for object in $(kubectl get scimapikeys,scimtenants -n "$tenant" -o name); do
    kubectl patch -n "$tenant" "$object" --type=merge -p '{"metadata":{"finalizers":null}}'
  done
}

# delete_namespace deletes a namespace only if run.sh made it.
delete_namespace() {
  local made
  kubectl get namespace "$1" >/dev/null 2>&1 || return 0
  made=$(kubectl get namespace "$1" --ignore-not-found -o jsonpath='{.metadata.labels.kubescim\.dev/quickstart}')
  if [[ $made == true ]]; then
    kubectl delete namespace "$1" --timeout=2m
  else
    echo "namespace $1 stays: the quickstart has not made it"
  fi
}

# others lists the namespaces that have anything left of tenants that are not the quickstart's.
others() {
  has_crds || return 0
  kubectl get scimtenants,scimapikeys,scimusers,scimgroups,scimgroupmembers -A --no-headers --ignore-not-found \
    -o custom-columns=NAMESPACE:.metadata.namespace | sort -u
}

# keep says why the operator stays, and leaves in .quickstart/env what leads to the cluster.
keep() {
  local env=.quickstart/env namespace
  if [[ -f $env ]]; then
    (umask 077 && grep -E '^export (KUBECONFIG|PATH)=' "$env" >"$env.new") || true
    mv "$env.new" "$env"
  fi
  echo "keeping the operator, since there are other tenants, keys, users or groups in these namespaces:"
  for namespace in $1; do
    printf '  %s: %s\n' "$namespace" "$(kubectl get scimtenants -n "$namespace" -o name | xargs)"
  done
  cat <<'TEXT'
.quickstart/env still leads to the cluster. To remove the operator too, delete what is in these namespaces while it is
there, and run `make quickstart-down` again:
  kubectl delete scimapikeys,scimtenants -n NAMESPACE --all
  kubectl delete namespace NAMESPACE
TEXT
}

# uninstall removes the operator and the definitions of its kinds, with which everything of these kinds would go.
uninstall() {
  "$HELM" uninstall kubescim --namespace "$operator_namespace" --ignore-not-found --wait --timeout 2m
  delete_namespace "$operator_namespace"
  if has_crds; then
    kubectl get crd -o name | grep '\.scim\.kubescim\.dev$' | xargs kubectl delete
  fi
}

main() {
  local tenant left
  step "Deleting the tenants"
  for tenant in "${tenants[@]}"; do
    if has_crds; then delete_tenant "$tenant"; fi
    delete_namespace "$tenant"
  done
  left=$(others)
  if [[ -n $left ]]; then
    keep "$left"
    return
  fi
  rm -rf .quickstart
  step "Uninstalling the operator"
  uninstall
}

main
