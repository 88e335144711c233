#!/usr/bin/env bash
# Generates latentflow/v1 from protos/ below the folder given, by default the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-.}

mapfile -t messages < <(cd protos && find latentflow -name '*.proto' | sort)
mapfile -t services < <(cd protos && grep --recursive --files-with-matches '^service ' latentflow | sort)

protoc() {
  python -m grpc_tools.protoc --proto_path=protos "$@"
}

protoc --python_out="$target" --mypy_out="quiet:$target" "${messages[@]}"
protoc --grpc_python_out="$target" --mypy_grpc_out="quiet:$target" "${services[@]}"
