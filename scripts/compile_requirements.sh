#!/usr/bin/env bash
# Pins what pyproject.toml asks for into requirements/*.txt; pip's own settings say where from.
#
# dev.txt is compiled first and constrains the others, so that all agree on every version.
# torch stays a plain version: "+cpu" would bind the files to one wheel, and the CUDA packages
# of the other wheel would bind them to another. Which wheel is taken, pip's settings decide.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  local target=requirements/$1.txt
  shift
  pip-compile --quiet --strip-extras --allow-unsafe --no-header --no-emit-options \
    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --output-file "$target" "$@" pyproject.toml
  sed 's/^\(torch==[0-9.]*\)+cpu$/\1/' "$target" >"$target.new"
  mv "$target.new" "$target"
  if grep --quiet '^nvidia-' "$target"; then
    echo "$target pins CUDA packages; compile where pip finds torch's CPU build" >&2
    exit 1
  fi
}

compile dev --extra broker --extra model --extra train --extra demo --extra dev
compile demo --extra broker --extra model --extra train --extra demo --constraint requirements/dev.txt
compile broker --extra broker --constraint requirements/dev.txt
compile model --extra model --constraint requirements/dev.txt
