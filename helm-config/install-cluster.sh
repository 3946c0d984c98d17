#!/bin/sh
# Till with the public charts on the cluster that kubectl speaks to: install-cluster.sh [--dry-run]
# The cluster must be able to pull the image till:latest: k8s/README.md says how. It needs a storage
# class, and metrics-server for the autoscalers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh" "$@"
[ "${1:-}" = --dry-run ] || kubectl --namespace ingress-nginx get service ingress-nginx-controller
