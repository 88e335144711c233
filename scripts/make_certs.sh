#!/usr/bin/env bash
# Certificates for development: a CA of our own and one certificate for each service, into FOLDER
# (default certs/, which git ignores). They are for localhost and the services' names, and for HOSTS,
# as DNS:gpu1.example,IP:10.0.0.7. Run again it keeps the CA and issues new certificates, each
# put in place at once: running services take them up with their next connection.
# A service is known by the URI in its certificate (latentflow/rpc/rights.py), not by where it runs.
set -euo pipefail

readonly folder="${1:-certs}"
readonly ca_days=3650 service_days=365
readonly hosts="DNS:localhost,IP:127.0.0.1,IP:::1${2:+,$2}"

main() {
  require_words
  umask 022 # the containers run as another user
  mkdir -p "$folder"
  chmod a+rx "$folder"
  fresh="$(mktemp -d "$folder/.fresh.XXXXXX")"
  trap 'rm -rf "$fresh"' EXIT
  [[ -f $folder/ca.pem && -f $folder/ca.key ]] || make_ca
  for service in broker sharer receiver; do
    make_certificate "$service"
  done
  echo "certificates in $folder, of $folder/ca.pem"
}

# A folder that was forgotten would be named after the hosts, and have the key of a CA in it.
require_words() {
  [[ $folder != DNS:* && $folder != IP:* ]] || refuse "the folder goes before the hosts: certs $folder"
  local each host
  IFS=, read -ra each <<<"$hosts"
  for host in "${each[@]}"; do
    [[ $host == DNS:?* || $host == IP:?* ]] || refuse "$host must be DNS:NAME or IP:ADDRESS"
  done
}

refuse() {
  echo "make_certs.sh: $1" >&2
  exit 2
}

make_ca() {
  request -days "$ca_days" -subj "/CN=latentflow development" -keyout "$fresh/ca.key" \
    -out "$fresh/ca.pem" -addext "basicConstraints=critical,CA:true" \
    -addext "keyUsage=critical,keyCertSign"
  mv "$fresh/ca.key" "$fresh/ca.pem" "$folder"
}

make_certificate() {
  request -days "$service_days" -subj "/CN=$1" -keyout "$fresh/$1.key" -out "$fresh/$1.pem" \
    -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
    -addext "basicConstraints=critical,CA:false" \
    -addext "keyUsage=critical,digitalSignature" \
    -addext "extendedKeyUsage=serverAuth,clientAuth" \
    -addext "subjectAltName=DNS:$1,$hosts,URI:spiffe://latentflow/$1"
  chmod 644 "$fresh/$1.key" # openssl makes it for us alone
  mv "$fresh/$1.key" "$fresh/$1.pem" "$folder"
}

# What openssl says is of use only when it fails.
request() {
  local said
  said="$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
    -config /dev/null "$@" 2>&1)" || refuse "$said"
}

main
