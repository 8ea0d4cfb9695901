# Functions to reach a tenant through a NodePort Service. Source this file.
# shellcheck shell=bash

# answers tells whether a SCIM server answers there: without a token, that is 401.
answers() {
  local host=$1 port=$2 path=$3 connection status
  { exec {connection}<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 1
  printf 'GET %s/Users HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$host" >&"$connection" 2>/dev/null || true
  read -r -t 3 status <&"$connection" || status=""
  exec {connection}>&-
  [[ $status == *" 401 "* ]]
}

# base_url NAMESPACE SERVICE PATH waits until the server behind the Service answers at a port of the node, and prints
# its URL: on this machine's loopback, or at the address of a node, where the cluster is in containers.
base_url() {
  local namespace=$1 service=$2 path=$3 port host hosts deadline=$((SECONDS + 60))
  port=$(kubectl get service "$service" -n "$namespace" -o jsonpath='{.spec.ports[0].nodePort}')
  hosts=$(kubectl get nodes -o jsonpath='{.items[*].status.addresses[?(@.type=="InternalIP")].address}')
  while ((SECONDS < deadline)); do
    for host in 127.0.0.1 $hosts; do
      if answers "$host" "$port" "$path"; then
        echo "http://$host:$port$path"
        return
      fi
    done
    sleep 1
  done
  echo "Service $service in $namespace does not answer at port $port of 127.0.0.1 or of a node ($hosts)" >&2
  return 1
}
