#!/bin/sh
# Till with the public charts on minikube: install-minikube.sh [--dry-run]
# It builds the image inside minikube, which must run: minikube start --cpus 4 --memory 8g
set -eu
here=$(cd "$(dirname "$0")" && pwd)

dry=
if [ "${1:-}" = --dry-run ]; then dry=--dry-run; fi
run() {
  echo "+ $*"
  [ -n "$dry" ] || "$@"
}

run minikube image build -t till:latest "$here/.."
# The autoscalers ask it for the load.
run minikube addons enable metrics-server
# shellcheck disable=SC2086 # nothing where there is nothing
"$here/install.sh" $dry "$here/ingress-nginx-minikube.yaml"
run minikube service --namespace ingress-nginx --url ingress-nginx-controller
