#!/usr/bin/env bash
# Installs metrics-server into the cluster that kubectl talks to, unless that measures its pods already: autoscalers
# go by what it says. The program and the chart are those of the module that go.mod pins. `make metrics-server` runs
# this once the cluster is there.
#
# Environment: HELM is the helm program, KUBECONFIG the cluster.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly module=sigs.k8s.io/metrics-server image=kubescim/metrics-server program=.cluster/metrics-server
HELM=${HELM:-bin/helm}

available() {
  [[ $(kubectl get apiservice v1beta1.metrics.k8s.io --ignore-not-found \
    -o jsonpath='{.status.conditions[?(@.type=="Available")].status}') == True ]]
}

# kubelet_arguments say how metrics-server knows a kubelet. That of the local cluster has a certificate of the cluster's
# own authority; those of kind have signed theirs themselves.
kubelet_arguments() {
  if [[ $(kubectl config current-context) == kubescim-local ]]; then
    echo --kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt
  else
    echo --kubelet-insecure-tls
  fi
}

if available; then
  echo "the cluster measures its pods already"
  exit
fi
go -C hack/metrics-server mod download "$module"
read -r version folder < <(go -C hack/metrics-server list -m -f '{{.Version}} {{.Dir}}' "$module")

echo "building $module $version; the first time, this takes a minute or two"
GOOS=linux go -C hack/metrics-server build -buildvcs=false -o "$PWD/$program" \
  -ldflags "-s -w -X $module/pkg/version.gitVersion=$version" "$module/cmd/metrics-server"
go -C hack run ./image -tag "$image:$version" -o "$program.tar" -load "$program"
"$HELM" upgrade --install metrics-server "$folder/charts/metrics-server" --namespace kube-system \
  --set "image.repository=$image" --set "image.tag=$version" --set "args={$(kubelet_arguments)}" \
  --set resources.requests.cpu=10m --set resources.requests.memory=40Mi \
  --set readinessProbe.initialDelaySeconds=2 --wait --timeout 3m >/dev/null
until available; do sleep 1; done
kubectl get apiservice v1beta1.metrics.k8s.io
