#!/bin/sh
# Joins the nodes that are named to a Redis Cluster of three primaries, which share the other nodes
# evenly as replicas: make-cluster.sh NODE...
#
# Promise: it ends with 0 only when every node serves and every primary has a copy. Run again, it
# leaves a cluster as it is, whoever is a primary by now; what was joined in part is begun again,
# unless it holds data. It ends with 1, and says why, when nodes do not come within five minutes.
#
# Reads REDIS_OPERATOR_PASSWORD.
set -eu
export REDISCLI_AUTH="$REDIS_OPERATOR_PASSWORD"
most_tries=300
primaries=3
replicas=$((($# - primaries) / primaries))
ask() {
  node=$1
  shift
  timeout 5 redis-cli --no-auth-warning --user operator -h "$node" "$@" 2>&1
}
end() {
  echo "make-cluster.sh: $*" >&2
  exit 1
}

answers() { [ "$(ask "$1" ping)" = PONG ]; }
# Nodes know one another, and who follows whom, from their own files: also while others are away.
is_joined() {
  nodes=$(ask "$1" cluster nodes)
  [ "$(echo "$nodes" | grep -c :6379@ || true)" = $((primaries * (1 + replicas))) ] &&
    [ "$(echo "$nodes" | grep -c slave || true)" = $((primaries * replicas)) ]
}
serves() {
  ask "$1" cluster info | grep -q cluster_state:ok &&
    ask "$1" info replication | grep -qE 'connected_slaves:[1-9]|master_link_status:up'
}
# wait_for WHAT NODE...: until WHAT is true of each of them.
wait_for() {
  what=$1
  shift
  for name in "$@"; do
    tries=0
    until "$what" "$name"; do
      tries=$((tries + 1))
      [ "$tries" -lt "$most_tries" ] || end "$name: not seen in time: $what"
      sleep 1
    done
  done
}

wait_for answers "$@"
joined=0
for name in "$@"; do is_joined "$name" && joined=$((joined + 1)); done
if [ "$joined" -lt $# ]; then
  addresses=
  for name in "$@"; do
    [ "$(ask "$name" dbsize)" = 0 ] || end "$name holds data but is not joined to all others"
    ask "$name" cluster reset hard >/dev/null
    # Nodes meet by address; they tell one another and their clients their names afterwards.
    addresses="$addresses $(getent hosts "$name" | cut -d ' ' -f 1):6379"
  done
  # shellcheck disable=SC2086
  redis-cli --no-auth-warning --user operator --cluster create $addresses \
    --cluster-replicas "$replicas" --cluster-yes >/dev/null || end "redis-cli could not join them"
fi
wait_for serves "$@"
echo "make-cluster.sh: $primaries primaries serve, with $replicas replicas each"
