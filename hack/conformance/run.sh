#!/usr/bin/env bash
# Runs the conformance suite against tenants in the cluster that kubectl talks to, one for each identity provider that
# is given as an argument, each with the next one as the other tenant. The first tenant has a server of its own, and the
# others are those of one ScimServer. `make conformance` runs this once the operator is installed. The namespace is
# deleted at the end. The reports are .conformance/<provider>.xml and .json.
#
#   hack/conformance/run.sh Generic Entra
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source hack/lib/nodeport.sh

readonly NAMESPACE=conformance
readonly PROVIDERS=("$@")
readonly OWN=${1,,} # the tenant that has a server of its own
readonly REPORTS=.conformance

# manifest is a tenant for an identity provider, with its keys.
manifest() {
  local provider=$1 name=${1,,} server=""
  [[ $name == "$OWN" ]] || server=", serverRef: {name: shared}"
  cat <<YAML
apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimTenant
metadata: {name: $name, namespace: $NAMESPACE}
spec: {identityProvider: $provider$server}
---
apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimApiKey
metadata: {name: $name, namespace: $NAMESPACE}
spec: {tenantRef: {name: $name}}
---
apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimApiKey
metadata: {name: $name-client, namespace: $NAMESPACE}
spec: {tenantRef: {name: $name}, oauthClient: {}}
---
apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimApiKey
metadata: {name: $name-account, namespace: $NAMESPACE}
spec: {tenantRef: {name: $name}, access: ReadWrite, federated: {serviceAccount: {name: client, audiences: [$name]}}}
---
YAML
}

# servers are the ScimServer, and ports of the node for it and for the server of one tenant.
servers() {
  cat <<YAML
apiVersion: scim.kubescim.dev/v1alpha1
kind: ScimServer
metadata: {name: shared, namespace: $NAMESPACE}
---
apiVersion: v1
kind: Service
metadata: {name: shared, namespace: $NAMESPACE}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: kubescim-shared-server, app.kubernetes.io/instance: shared}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: Service
metadata: {name: $OWN, namespace: $NAMESPACE}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: kubescim-server, app.kubernetes.io/instance: $OWN}
  ports: [{name: http, port: 80, targetPort: http}]
---
YAML
}

# url_of TENANT prints its base URL once its server answers there.
url_of() {
  if [[ $1 == "$OWN" ]]; then
    base_url "$NAMESPACE" "$OWN" /scim/v2 "$(entry "$1" token)"
  else
    base_url "$NAMESPACE" shared "/$1/scim/v2" "$(entry "$1" token)"
  fi
}

# assertion ACCOUNT AUDIENCE prints a token of a ServiceAccount.
assertion() { kubectl create token "$1" -n "$NAMESPACE" --audience "$2" --duration 1h; }

# entry NAME ENTRY prints an entry of the Secret of a key.
entry() { kubectl get secret "$1" -n "$NAMESPACE" -o "jsonpath={.data.$2}" | base64 -d; }

kubectl delete namespace "$NAMESPACE" --ignore-not-found --timeout=2m >/dev/null
kubectl create namespace "$NAMESPACE" >/dev/null
kubectl create serviceaccount client -n "$NAMESPACE" >/dev/null
trap 'kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null' EXIT
{
  servers
  for provider in "${PROVIDERS[@]}"; do manifest "$provider"; done
} | kubectl apply -f - >/dev/null
for provider in "${PROVIDERS[@]}"; do
  kubectl wait -n "$NAMESPACE" --for=condition=Ready --timeout=3m "scimtenant/${provider,,}" "scimapikey/${provider,,}" "scimapikey/${provider,,}-client" "scimapikey/${provider,,}-account" >/dev/null
done

mkdir -p "$REPORTS"
go build -o "$REPORTS/scim-conformance" ./cmd/scim-conformance
failed=0
for i in "${!PROVIDERS[@]}"; do
  name=${PROVIDERS[i],,} other=${PROVIDERS[(i + 1) % ${#PROVIDERS[@]}],,}
  url=$(url_of "$name")
  SCIM_URL=$url SCIM_TOKEN=$(entry "$name" token) \
    SCIM_OTHER_URL=$(url_of "$other") SCIM_OTHER_TOKEN=$(entry "$other" token) \
    SCIM_TOKEN_URL=$url/oauth2/token SCIM_CLIENT_ID=$(entry "$name-client" clientID) \
    SCIM_CLIENT_SECRET=$(entry "$name-client" clientSecret) \
    SCIM_FEDERATED_CLIENT_ID=$name-account SCIM_ASSERTION=$(assertion client "$name") \
    SCIM_REFUSED_ASSERTIONS="$(assertion default "$name") $(assertion client nobody)" \
    "$REPORTS/scim-conformance" --profile "${PROVIDERS[i]}" --junit "$REPORTS/$name.xml" --json "$REPORTS/$name.json" || failed=1
done
exit "$failed"
