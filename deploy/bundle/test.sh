#!/usr/bin/env bash
# Installs the newest bundle of build/ in a network namespace that has nothing but its loopback,
# runs the demo there, and requires that a latent carried an answer over.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${1:-} != --without-network ]]; then
  command -v unshare ip >/dev/null || { echo "bundle-test: needs unshare and ip" >&2; exit 1; }
  exec unshare --map-root-user --net "$0" --without-network
fi

main() {
  local bundle
  # shellcheck disable=SC2012  # names are our own
  bundle="$(ls -t build/latentflow-*.tar 2>/dev/null | head -n 1)" ||
    give_up "there is none in build/: run make bundle first"
  bundle="$(realpath "$bundle")"
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  ip link set lo up
  require_no_network

  timed extract tar --extract --file "$bundle" --directory "$work"
  timed install clean "$work"/latentflow-*/install.sh "$work/installed"
  rm -rf "$work"/latentflow-*
  timed demo clean "$work/installed/latentflow" demo | tee "$work/demo"
  grep -qE 'latent [1-9][0-9]* of' "$work/demo" || give_up "no latent carried an answer over"
  tell "passed: $(basename "$bundle"), $(stat --format %s "$bundle") bytes"
}

tell() { echo "bundle-test: $*"; }

give_up() {
  tell "$*" >&2
  exit 1
}

require_no_network() {
  local interfaces
  interfaces="$(ip -brief link | awk '{print $1}')"
  [[ $interfaces == lo ]] || give_up "there is more than a loopback here: $interfaces"
  tell "the only interface is lo"
}

# As for a user who has never had a checkout, a cache or settings of pip.
clean() { env --ignore-environment PATH=/usr/local/bin:/usr/bin:/bin HOME="$work" "$@"; }

timed() {
  local name="$1" started="$EPOCHREALTIME" ended
  shift
  "$@"
  ended="$EPOCHREALTIME"
  tell "$name took $(((${ended/./} - ${started/./}) / 1000000)) s"
}

main
