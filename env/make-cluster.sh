#!/bin/sh
# Joins the nodes that are named to a Redis Cluster, a primary and two replicas of each three, so
# that a write is still on two machines when one is lost: make-cluster.sh NODE ... (nine of them).
# Where they are joined already, it changes nothing.
#
# Reads REDIS_OPERATOR_PASSWORD. Ends with 0 once every slot is served.
set -eu
export REDISCLI_AUTH=$REDIS_OPERATOR_PASSWORD
ask() { node=$1; shift; timeout 5 redis-cli --no-auth-warning --user operator -h "$node" "$@"; }
first=$1

for node in "$@"; do
  until ask "$node" ping 2>/dev/null | grep -q PONG; do sleep 0.5; done
done
is_whole() { ask "$first" cluster info | grep -q cluster_state:ok; }
# Nodes that know one another need a moment, not another cluster.
knows_others() { [ "$(ask "$first" cluster nodes | wc -l)" -gt 1 ]; }

if ! knows_others; then
  addresses=
  for node in "$@"; do
    # Nodes meet by address; they tell one another and their clients their names afterwards.
    addresses="$addresses $(getent hosts "$node" | cut -d ' ' -f 1):6379"
  done
  # shellcheck disable=SC2086
  redis-cli --no-auth-warning --user operator --cluster create $addresses \
    --cluster-replicas 2 --cluster-yes
fi
until is_whole; do sleep 0.5; done
