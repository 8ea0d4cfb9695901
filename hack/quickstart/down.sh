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
  made=$(kubectl get namespace "$1" --ignore-not-found -o jsonpath='{.metadata.labels.kubescim\.dev/quickstart}')
  if [[ $made == true ]]; then
    kubectl delete namespace "$1" --timeout=2m
  fi
}

# others tells whether there is anything left of tenants that are not the quickstart's.
others() {
  has_crds && [[ -n $(kubectl get scimtenants,scimapikeys,scimusers,scimgroups,scimgroupmembers -A -o name) ]]
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
  local tenant
  step "Deleting the tenants"
  for tenant in "${tenants[@]}"; do
    if has_crds; then delete_tenant "$tenant"; fi
    delete_namespace "$tenant"
  done
  rm -rf .quickstart
  if others; then
    echo "keeping the operator: there are other tenants, keys, users or groups in the cluster"
    return
  fi
  step "Uninstalling the operator"
  uninstall
}

main
