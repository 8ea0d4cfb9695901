#!/usr/bin/env bash
# Prints a line for each user of a tenant who is there, and then for each change: the id, and active, inactive or deleted.
#
#   examples/watch.sh NAMESPACE TENANT
#
# It shows what is there when it starts, so that nothing is missed which an object tells; a marker tells for a week that somebody
# was deleted for good. It ends when the API server ends the watch, so that a program that must not miss anything uses the Go package.
set -euo pipefail
kubectl get scimusers -n "$1" --field-selector "spec.tenantRef.name=$2" --watch --output-watch-events -o json |
  jq --unbuffered -r '
    .type as $event | .object | (.metadata.labels["scim.kubescim.dev/deleted"] != null) as $deleted |
    select($event != "BOOKMARK" and ($event != "DELETED" or ($deleted | not))) |
    [.metadata.name, if $deleted or $event == "DELETED" then "deleted" elif .spec.active then "active" else "inactive" end] | @tsv'
