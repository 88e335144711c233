#!/usr/bin/env bash
# Builds the images, hands one memo over through docker compose and its published ports, waits for
# traces and metrics of it, weighs the broker's image, and kills each container in turn and asks again.
# Then runs two brokers and two receivers, which must take turns. Then the same handoff with TLS and a
# token, which are renewed while everything runs; callers without them must be refused.
# Takes everything down again, volumes included, also on failure and on Ctrl-C.
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
readonly questions_in_turn=6
readonly largest_broker_mb=120
readonly memo="Handover from the night shift. The north lift is out of order again. Marta Oduya has moved
the spare keys of the seed archive; they now hang in locker 527, beside the fire door."
readonly question="In which locker are the spare keys of the seed archive?"

export COMPOSE_PROJECT_NAME=latentflow-compose-test
# Free ports, so that a stack that is up already is left in peace.
export LATENTFLOW_BROKER_PORT=0 LATENTFLOW_ADMIN_PORT=0 LATENTFLOW_SHARER_PORT=0 LATENTFLOW_RECEIVER_PORT=0
export OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 OTEL_METRIC_EXPORT_INTERVAL=2000
# What callers show, and believe services by: nothing until there is TLS.
export LATENTFLOW_CA="" LATENTFLOW_TOKEN=""

main() {
  umask 022 # the containers run as another user
  deploy/offline/docker-engine.sh
  choose_compose
  work="$(mktemp -d)"
  export LATENTFLOW_CERTS="$work/certs"
  mkdir "$LATENTFLOW_CERTS"
  trap take_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  choose_images
  choose_models

  timed build compose build
  hand_over
  measure_broker_image
  survive_kills
  take_turns
  turn_tls_on
  hand_over
  refuse_strangers
  renew_credentials
  tell "passed"
}

hand_over() {
  timed start compose up -d
  hear
  timed health await_health
  timed share share_memo
  timed ask ask_question
  timed telemetry await_telemetry
}

# Over its base; and torch is not in it.
measure_broker_image() {
  local image added_mb
  image="$(image_of broker)"
  added_mb=$((($(bytes_of "$image") - $(bytes_of "$base_image")) / 1000000))
  tell "the broker's image adds $added_mb MB to its base"
  ((added_mb <= largest_broker_mb)) || give_up "that is more than $largest_broker_mb MB"
  docker run --rm --entrypoint python "$image" -c "import torch" 2>"$work/notes" || true
  grep -q "No module named 'torch'" "$work/notes" || give_up "torch may be in the broker's image"
}

bytes_of() { docker image inspect -f '{{.Size}}' "$1"; }

survive_kills() {
  local service
  for service in redis broker sharer receiver; do
    timed "$service killed and back" kill_and_start "$service"
    timed ask ask_question
  done
  timed share share_memo
}

take_turns() {
  tell "runs two brokers and two receivers"
  timed start compose up -d --force-recreate --scale broker=2 --scale receiver=2
  hear
  timed health await_health
  timed share share_memo
  timed "asking $questions_in_turn times" within_network --rm "$(image_of sharer)" \
    -m tests.asked_in_turn receiver:50053 "$latent" "$question" "$questions_in_turn"
  timed telemetry await_processes broker 2
  timed telemetry await_processes receiver 2
}

turn_tls_on() {
  tell "turns TLS on"
  make_credentials
  compose+=(-f docker-compose.tls.yml)
  LATENTFLOW_CA=/certs/ca.pem
}

# In place of those that were there, as docs/security.md says.
make_credentials() {
  local made
  scripts/make_certs.sh "$LATENTFLOW_CERTS" >"$work/made"
  made="$(client tenants token)"
  printf '[tenants.night]\n%s\nrights = ["share", "ask"]\n' "$(said "for the file" "$made")" \
    >"$work/tenants.toml"
  mv "$work/tenants.toml" "$LATENTFLOW_CERTS"
  LATENTFLOW_TOKEN="$(said "for the tenant" "$made")"
}

# What stands behind LABEL: in a text.
said() { sed -n "s/^$1: *//p" <<<"$2"; }

refuse_strangers() {
  LATENTFLOW_TOKEN="" require_refusal "no token was given"
  LATENTFLOW_TOKEN=lcf_guessed require_refusal "no credential that allows this call"
  LATENTFLOW_CA="" LATENTFLOW_TOKEN="" require_refusal "no sharer answers"
}

require_refusal() {
  if share 2>"$work/notes"; then give_up "a call was taken that had to be refused with: $1"; fi
  grep "$1" "$work/notes" || give_up "another refusal than: $1"
}

renew_credentials() {
  local old_token="$LATENTFLOW_TOKEN" service
  tell "renews certificates and token"
  make_credentials
  for service in broker:50051 sharer:50052 receiver:50053; do
    require_certificate "${service%:*}" "${service#*:}"
  done
  timed share share_memo
  timed ask ask_question
  LATENTFLOW_TOKEN="$old_token" require_refusal "no credential that allows this call"
}

# New connections are shown the newest one.
require_certificate() {
  local shown
  shown="$(openssl s_client -connect "$(compose port "$1" "$2")" -alpn h2 </dev/null 2>"$work/notes" |
    openssl x509 -noout -serial)"
  [[ $shown == "$(openssl x509 -noout -serial -in "$LATENTFLOW_CERTS/$1.pem")" ]] ||
    give_up "$1 shows an old certificate"
}

tell() { echo "compose-test: $*"; }

give_up() {
  tell "$*" >&2
  exit 1
}

choose_compose() {
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose -f docker-compose.yml)
  elif [[ -x $(command -v docker-compose) ]]; then
    compose=(docker-compose -f docker-compose.yml)
  else
    give_up "neither docker compose nor docker-compose is installed"
  fi
}

compose() { "${compose[@]}" "$@"; }

choose_images() {
  docker pull --quiet "$base_image" || deploy/offline/base-image.sh
  compose pull redis || {
    tell "redis can't be pulled: takes Debian's"
    compose+=(-f docker-compose.test.yml)
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

# Every container of it. Gives up on one that fell over, rather than wait for what restarts it.
is_healthy() {
  local states
  # shellcheck disable=SC2046  # an id a word
  states="$(docker inspect -f '{{.State.Health.Status}} {{.RestartCount}}' $(container "$1") | sort -u)"
  case "$states" in
    "healthy 0") return 0 ;;
    *"starting 0") return 1 ;;
    *) give_up "$1 is $states (health, restarts)" ;;
  esac
}

# One that was there has heard enough.
hear() {
  hush
  collector="$(within_network --detach --network-alias collector "$(image_of sharer)" \
    -m tests.otlp_heard 4317)"
}

# Python with the tests, among the containers. The sharer's image has all that they need.
within_network() {
  docker run --network "${COMPOSE_PROJECT_NAME}_default" --no-healthcheck \
    --volume "$PWD/tests:/app/tests:ro" --entrypoint python "$@"
}

image_of() { docker inspect -f '{{.Image}}' "$(container "$1")"; }

hush() { [[ -z ${collector:-} ]] || docker rm --force "$collector" >"$work/removed"; }

await_telemetry() {
  local service kind deadline=$((SECONDS + telemetry_seconds))
  for service in broker sharer receiver; do
    for kind in span metric; do
      until heard "$service" "$kind" >"$work/heard"; do
        ((SECONDS < deadline)) || give_up "no $kind of the $service arrived"
        sleep 0.5
      done
    done
  done
}

# Until so many processes of a service have been heard of calls that they served.
await_processes() {
  local deadline=$((SECONDS + telemetry_seconds))
  until (($(heard "$1" span | grep -o 'from .*' | sort -u | wc -l) >= $2)); do
    ((SECONDS < deadline)) || give_up "calls were served by fewer than $2 of the $1"
    sleep 0.5
  done
}

heard() { docker logs "$collector" 2>&1 | grep "^latentflow-$1 $2 "; }

kill_and_start() {
  docker kill "$(container "$1")" >"$work/killed"
  compose start "$1" >"$work/started" 2>&1
  await_health
}

container() { compose ps -q "$1"; }

share_memo() {
  latent="$(share)"
  tell "shared $latent"
}

share() { client share - --sharer "$(compose port sharer 50052)" <<<"$memo"; }

ask_question() {
  local receiver
  receiver="$(compose port receiver 50053)"
  client ask "$question" --latent "$latent" --receiver "$receiver" --max-tokens 16 \
    2>"$work/notes" | tee "$work/answer"
  require_latent
}

# The command line in the sharer's image, on this machine's network as a user's own would be.
client() {
  docker run --rm --interactive --network host --no-healthcheck \
    --volume "$LATENTFLOW_CERTS:/certs:ro" --env LATENTFLOW_CA --env LATENTFLOW_TOKEN \
    --entrypoint python "$(image_of sharer)" -m latentflow.cli "$@"
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
  hush
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
