#!/usr/bin/env bash
# Makes a Docker engine answer: uses the one there is, else installs Debian's and starts it.
# Knows nothing of images. Exits 1, saying why, where no engine can be had.
set -euo pipefail

readonly log="${DOCKERD_LOG:-/var/log/dockerd.log}"
readonly start_seconds=30

main() {
  if engine_answers; then
    echo "docker: an engine answers already"
    return
  fi
  [[ $(id -u) == 0 ]] || give_up "installing and starting one needs root"
  [[ -x $(command -v dockerd) ]] || install_engine
  forget_dead_engine
  start_engine || give_up "dockerd does not start, see $log"
}

engine_answers() { docker info >/dev/null 2>&1; }

give_up() {
  echo "docker: no engine can be had here: $1" >&2
  exit 1
}

install_engine() {
  [[ -x $(command -v apt-get) ]] || give_up "no dockerd, and no apt-get to install it with"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io docker-compose iptables ||
    give_up "Debian's docker.io does not install"
}

# After a hard stop the pid files stay, and dockerd believes them when another process, or an
# unreaped one, has the number.
forget_dead_engine() {
  local file
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    if [[ -f $file ]] && ! runs_engine "$(<"$file")"; then rm -f "$file"; fi
  done
}

runs_engine() { [[ $(readlink "/proc/$1/exe") =~ /(dockerd|containerd)$ ]]; }

start_engine() {
  setsid dockerd >>"$log" 2>&1 </dev/null &
  local pid=$! second
  for ((second = 0; second < start_seconds; second++)); do
    if engine_answers; then
      echo "docker: engine started, log in $log"
      return
    fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 1
  done
  kill "$pid"
  wait "$pid" || true
  return 1
}

main "$@"
