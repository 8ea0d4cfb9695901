# Functions to reach a tenant through a NodePort Service. Source this file.
# shellcheck shell=bash

# answers HOST PORT PATH TOKEN tells whether a SCIM server answers there to who has the token.
answers() {
  local host=$1 port=$2 path=$3 token=$4 connection status
  { exec {connection}<>"/dev/tcp/$host/$port"; } 2>/dev/null || return 1
  printf 'GET %s/Users?count=0 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' "$path" "$host" "$token" >&"$connection" 2>/dev/null || true
  read -r -t 3 status <&"$connection" || status=""
  exec {connection}>&-
  [[ $status == *" 200 "* ]]
}

# base_url NAMESPACE SERVICE PATH TOKEN waits until the server behind the Service answers at a port of the node, and prints
# its URL: on this machine's loopback, or at the address of a node, where the cluster is in containers. It asks with the
# token of a key: a request without one would be a refused request of the tenant, which somebody would look into.
base_url() {
  local namespace=$1 service=$2 path=$3 token=$4 port host hosts deadline=$((SECONDS + 60))
  port=$(kubectl get service "$service" -n "$namespace" -o jsonpath='{.spec.ports[0].nodePort}')
  hosts=$(kubectl get nodes -o jsonpath='{.items[*].status.addresses[?(@.type=="InternalIP")].address}')
  while ((SECONDS < deadline)); do
    for host in 127.0.0.1 $hosts; do
      if answers "$host" "$port" "$path" "$token"; then
        echo "http://$host:$port$path"
        return
      fi
    done
    sleep 1
  done
  echo "Service $service in $namespace does not answer at port $port of 127.0.0.1 or of a node ($hosts)" >&2
  return 1
}
