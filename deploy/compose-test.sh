#!/usr/bin/env bash
# Builds the images, hands one memo over through docker compose and its published ports, waits for
# traces and metrics of it, kills each container in turn and asks again, and takes everything down
# again, volumes included, also on failure and on Ctrl-C.
#
# What hears traces and metrics is tests/otlp_heard.py, in the place of a collector's image.
#
# Images stay, so that the next run is quick. The models are those of this machine's cache, mounted
# as they are, when both are there; else they are fetched into a volume that goes with the rest.
# LATENTFLOW_MODELS and LATENTFLOW_ADAPTERS choose other folders.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly base_image=python:3.11-slim-bookworm
readonly health_seconds=300
readonly telemetry_seconds=60
readonly memo="Handover from the night shift. The north lift is out of order again. Marta Oduya has moved
the spare keys of the seed archive; they now hang in locker 527, beside the fire door."
readonly question="In which locker are the spare keys of the seed archive?"

export COMPOSE_PROJECT_NAME=latentflow-compose-test
# Free ports, so that a stack that is up already is left in peace.
export LATENTFLOW_BROKER_PORT=0 LATENTFLOW_ADMIN_PORT=0 LATENTFLOW_SHARER_PORT=0 LATENTFLOW_RECEIVER_PORT=0
export OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_METRIC_EXPORT_INTERVAL=2000

main() {
  deploy/offline/docker-engine.sh
  choose_compose
  work="$(mktemp -d)"
  trap take_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  choose_images
  choose_models

  timed build compose build
  timed start compose up -d
  hear
  timed health await_health
  timed share share_memo
  timed ask ask_question
  require_latent
  timed telemetry await_telemetry
  local service
  for service in redis broker sharer receiver; do
    timed "$service killed and back" kill_and_start "$service"
    timed ask ask_question
    require_latent
  done
  timed share share_memo
  tell "passed"
}

tell() { echo "compose-test: $*"; }

give_up() {
  tell "$*" >&2
  exit 1
}

choose_compose() {
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif [[ -x $(command -v docker-compose) ]]; then
    compose=(docker-compose)
  else
    give_up "neither docker compose nor docker-compose is installed"
  fi
}

compose() { "${compose[@]}" "$@"; }

choose_images() {
  docker pull --quiet "$base_image" || deploy/offline/base-image.sh
  compose pull redis || {
    tell "redis can't be pulled: takes Debian's"
    compose+=(-f docker-compose.yml -f docker-compose.test.yml)
  }
}

choose_models() {
  local cache="${LATENTFLOW_CACHE:-$HOME/.cache/latentflow}/models"
  if [[ -z ${LATENTFLOW_MODELS:-} && -d $cache/smollm2-135m && -d $cache/gemma3-270m ]]; then
    export LATENTFLOW_MODELS="$cache"
    tell "uses the models in $cache"
  fi
}

# Runs a step and says how long it took.
timed() {
  local name="$1" started="$EPOCHREALTIME" ended
  shift
  "$@"
  ended="$EPOCHREALTIME"
  tell "$name took $(((${ended/./} - ${started/./}) / 1000)) ms"
}

await_health() {
  local service deadline=$((SECONDS + health_seconds))
  for service in redis broker sharer receiver; do
    until is_healthy "$service"; do
      ((SECONDS < deadline)) || give_up "$service was not healthy within $health_seconds s"
      sleep 0.2
    done
  done
}

# Gives up on a container that fell over, rather than wait for what restarts it.
is_healthy() {
  local state
  state="$(docker inspect -f '{{.State.Health.Status}} {{.RestartCount}}' "$(container "$1")")"
  case "$state" in
    "healthy 0") return 0 ;;
    "starting 0") return 1 ;;
    *) give_up "$1 is $state (health, restarts)" ;;
  esac
}

# In the sharer's image, as it has what the wire needs.
hear() {
  collector="$(docker run --detach --network "${COMPOSE_PROJECT_NAME}_default" \
    --network-alias collector --no-healthcheck --volume "$PWD/tests:/app/tests:ro" \
    --entrypoint python "$(docker inspect -f '{{.Image}}' "$(container sharer)")" \
    -m tests.otlp_heard 4317)"
}

await_telemetry() {
  local service kind deadline=$((SECONDS + telemetry_seconds))
  for service in broker sharer receiver; do
    for kind in span metric; do
      until docker logs "$collector" 2>&1 | grep -q "^latentflow-$service $kind "; do
        ((SECONDS < deadline)) || give_up "no $kind of the $service arrived"
        sleep 0.5
      done
    done
  done
}

kill_and_start() {
  docker kill "$(container "$1")" >"$work/killed"
  compose start "$1" >"$work/started" 2>&1
  await_health
}

container() { compose ps -q "$1"; }

share_memo() {
  latent="$(client share - --sharer "$(compose port sharer 50052)" <<<"$memo")"
  tell "shared $latent"
}

ask_question() {
  local receiver
  receiver="$(compose port receiver 50053)"
  client ask "$question" --latent "$latent" --receiver "$receiver" --max-tokens 16 \
    2>"$work/notes" | tee "$work/answer"
}

# The command line in the sharer's image, on this machine's network as a user's own would be.
client() {
  docker run --rm --interactive --network host --no-healthcheck --entrypoint python \
    "$(docker inspect -f '{{.Image}}' "$(container sharer)")" -m latentflow.cli "$@"
}

require_latent() {
  cat "$work/notes"
  grep -qi "^$latent: latent, " "$work/notes" || give_up "the latent was not used"
  grep -q '[^[:space:]]' "$work/answer" || give_up "the answer is empty"
}

take_down() {
  local status=$?
  trap '' INT TERM
  ((status == 0 || status > 128)) || show_containers
  [[ -z ${collector:-} ]] || docker rm --force "$collector" >"$work/removed"
  compose down --volumes --remove-orphans >"$work/down" 2>&1 || cat "$work/down" >&2
  rm -rf "$work"
  exit "$status"
}

show_containers() {
  local id state='{{.Name}} is {{.State.Status}}{{with .State.Health}} and {{.Status}}{{end}}'
  state+=', exit code {{.State.ExitCode}}, {{.RestartCount}} restarts'
  [[ ! -f $work/notes ]] || cat "$work/notes"
  for id in $(compose ps -a -q); do
    tell "$(docker inspect -f "$state" "$id")"
    docker logs --tail 30 "$id"
  done
} >&2

main "$@"
