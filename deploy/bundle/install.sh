#!/usr/bin/env bash
# Installs this bundle into a folder, without a network:  ./install.sh FOLDER
# Needs bash, coreutils and the Python that the file PLATFORM names (PYTHON=..., with venv).
set -euo pipefail
cd "$(dirname "$0")"
readonly python="${PYTHON:-python3}"

main() {
  (($# == 1)) || give_up "usage: $0 FOLDER"
  require_platform
  sha256sum --check --quiet --strict SHA256SUMS || give_up "this bundle is not what was built"
  mkdir -p "$1"
  prefix="$(cd "$1" && pwd)"

  install_wheels
  rm -rf "$prefix/adapters"
  cp -R adapters LICENSE NOTICE "$prefix"
  write_command
  place_models
  echo "installed; try:  $prefix/latentflow demo"
}

give_up() {
  echo "install: $*" >&2
  exit 1
}

require_platform() {
  local here
  here="$("$python" platform_tag.py)"
  [[ $here == "$(<PLATFORM)" ]] || give_up "made for $(<PLATFORM); $python is $here"
}

# --isolated: this machine's settings of pip may name an index.
install_wheels() {
  "$python" -m venv --clear "$prefix/venv"
  "$prefix/venv/bin/python" -m pip --isolated --disable-pip-version-check --quiet install \
    --no-index --find-links wheels --requirement requirements.txt latent-cache-flow
}

write_command() {
  cat >"$prefix/latentflow" <<SCRIPT
#!/bin/sh
export LATENTFLOW_CACHE="\${LATENTFLOW_CACHE:-$prefix}"
export LATENTFLOW_ADAPTERS="\${LATENTFLOW_ADAPTERS:-$prefix/adapters}"
exec "$prefix/venv/bin/latentflow" "\$@"
SCRIPT
  chmod +x "$prefix/latentflow"
}

place_models() {
  PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/models" \
    LATENTFLOW_CACHE="$prefix" "$prefix/latentflow" models pull
}

main "$@"
