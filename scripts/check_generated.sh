#!/usr/bin/env bash
# Fails when latentflow/v1 is not what protos/ generates.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

scripts/generate.sh "$fresh"
if ! diff --recursive --brief --exclude=__init__.py --exclude=__pycache__ \
  "$fresh/latentflow/v1" latentflow/v1; then
  echo "latentflow/v1 has drifted from protos/; run: make proto" >&2
  exit 1
fi
