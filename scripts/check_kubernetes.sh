#!/usr/bin/env bash
# Builds every overlay with kustomize and holds what comes out to Kubernetes' own schemas, strictly:
# an unknown field is an error, and so is a kind without a schema. Needs no cluster and no network.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly versions="1.30 1.37"

built="$(mktemp)"
trap 'rm -f "$built"' EXIT
for overlay in deploy/kubernetes/overlays/*; do
  kubectl kustomize "$overlay" >"$built"
  for version in $versions; do
    said="$(kubernetes-validate --strict --kubernetes-version "$version" "$built")" || failed=1
    if [[ -n ${failed:-} ]] || grep -qv '^INFO' <<<"$said"; then
      grep -v '^INFO' <<<"$said" >&2
      exit 1
    fi
  done
  echo "$overlay: $(grep -c '^kind:' "$built") objects, valid for Kubernetes $versions"
done
