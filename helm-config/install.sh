#!/bin/sh
# Installs what Till uses of public charts into the cluster that kubectl speaks to, or brings it to
# the versions and values that are here. install-minikube.sh and install-cluster.sh call it.
#
#   install.sh [--dry-run] [VALUES...]    VALUES: further values of ingress-nginx
#
# With --dry-run it only says what it would do. Needs kubectl and helm 3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
redis_version=23.1.1
ingress_version=4.15.1

dry=
if [ "${1:-}" = --dry-run ]; then
  dry=1
  shift
fi
run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}

for program in kubectl helm; do
  [ -n "$dry" ] || command -v $program >/dev/null || {
    echo "install.sh: $program is missing: install it first." >&2
    exit 1
  }
done

# The namespace, the passwords, and the services, which wait until their databases are there.
run kubectl apply -k "$here/../k8s/overlays/helm-redis"

for database in order-db payment-db stock-db orchestrator-db; do
  run helm upgrade --install $database oci://registry-1.docker.io/bitnamicharts/redis \
    --version $redis_version --namespace till --values "$here/redis.yaml" \
    --set fullnameOverride=$database --set auth.existingSecret=$database
done

set -- "$here/ingress-nginx.yaml" "$@"
values=
for each in "$@"; do values="$values --values $each"; done
# shellcheck disable=SC2086 # several words on purpose
run helm upgrade --install ingress-nginx ingress-nginx --version $ingress_version \
  --repo https://kubernetes.github.io/ingress-nginx --namespace ingress-nginx --create-namespace $values

for database in order-db payment-db stock-db orchestrator-db; do
  run kubectl --namespace till rollout status statefulset/$database-node --timeout=600s
done
for service in order payment stock orchestrator gateway; do
  run kubectl --namespace till rollout status deployment/$service --timeout=600s
done
