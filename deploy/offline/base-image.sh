#!/usr/bin/env bash
# Makes a stand-in for the official Python image with debootstrap, for places that cannot pull images.
# Certificates, pip settings and the apt mirror are the host's own: never push the result.
set -euo pipefail

readonly image="${BASE_IMAGE:-python:3.11-slim-bookworm}"
readonly suite=bookworm
readonly packages=ca-certificates,netbase,tzdata,python3,python3-venv,python3-pip
readonly bundle=/etc/ssl/certs/ca-certificates.crt
readonly host_bundle="${SSL_CERT_FILE:-$bundle}"
readonly largest_folder_mib="${LARGEST_FOLDER_MIB:-1024}"
readonly label=latentflow.stand-in

main() {
  # apt knows its mirrors' labels only once it has asked them.
  [[ -n $(mirror Debian) ]] || apt-get update -qq || true
  local inputs
  inputs="$(fingerprint)"
  if is_current "$inputs"; then
    echo "base image: $image is current"
    return
  fi
  [[ $(id -u) == 0 ]] || give_up "debootstrap needs root"
  [[ -x $(command -v debootstrap) ]] || apt-get install -y -qq --no-install-recommends debootstrap

  root="$(mktemp -d)"
  trap 'rm -rf --one-file-system "$root"' EXIT
  install_debian
  write_apt_config
  write_certificates
  write_pip_config
  look_like_official_image
  import_image "$inputs"
}

give_up() {
  echo "base image: $1" >&2
  exit 1
}

# Everything the image is made from: a host with new certificates or settings needs a new image.
fingerprint() {
  { cat "$0" "$host_bundle"; pip_settings; mirror Debian; } | sha256sum | cut -d' ' -f1
}

# An image without our label is the real one, pulled: leave it.
is_current() {
  local made_from
  made_from="$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null)" ||
    return 1
  [[ -z $made_from || $made_from == "$1" ]]
}

# The host's address of the archive with that label, as its apt resolved it.
# shellcheck disable=SC2016  # apt fills these in, not the shell
mirror() {
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    awk -F'|' -v label="$1" '$1 == label { print $2; exit }'
}

install_debian() {
  local archive
  archive="$(mirror Debian)"
  [[ -n $archive ]] || give_up "apt knows no Debian mirror here"
  debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$archive"
}

write_apt_config() {
  local archive security
  archive="$(mirror Debian)"
  security="$(mirror Debian-Security)"
  {
    echo "deb $archive $suite main"
    echo "deb $archive $suite-updates main"
    [[ -z $security ]] || echo "deb $security $suite-security main"
  } >"$root/etc/apt/sources.list"
  # Proxies, clock checks and the like; index targets belong to packages the image lacks.
  apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' \
    >"$root/etc/apt/apt.conf.d/90host"
}

# The host's own authorities go in twice: as sources, so that update-ca-certificates in a derived
# image keeps them, and as the finished bundle, for a host that changed only that.
write_certificates() {
  find /usr/local/share/ca-certificates -name '*.crt' \
    -exec cp -t "$root/usr/local/share/ca-certificates" {} +
  chroot "$root" update-ca-certificates
  cp "$host_bundle" "$root$bundle"
}

# `key = value` a line. The environment sorts first in pip's list and wins there too.
pip_settings() {
  python3 -m pip config list |
    sed -nE "s/^(:env:|global)\.([a-z-]+)='(.*)'$/\2 = \3/p" |
    sed 's/\\n/ /g' |
    awk -F' = ' '!seen[$1]++'
}

write_pip_config() {
  local key words
  echo "[global]" >"$root/etc/pip.conf"
  while IFS=' ' read -r key _ words; do
    words="$(portable_words "$key" "$words")"
    [[ -z $words ]] || echo "$key = $words" >>"$root/etc/pip.conf"
  done < <(pip_settings)
}

# What a setting's words become inside the image: constraints come along, and a folder of wheels if it
# is small; an index on disk does not, since its links may lead anywhere.
portable_words() {
  local key="$1" word kept=()
  for word in $2; do
    case "$key:$word" in
      cert:*) kept+=("$bundle") ;;
      find-links:/* | find-links:file:///*) copy_folder "${word#file://}" && kept+=("$word") ;;
      constraint:/* | constraint:file:///*) copy_file "${word#file://}" && kept+=("$word") ;;
      *:file://*) echo "base image: leaves out $key $word" >&2 ;;
      *) kept+=("$word") ;;
    esac
  done
  echo "${kept[*]}"
}

copy_file() { install -D -m 644 "$1" "$root$1"; }

copy_folder() {
  if (($(du -sm "$1" | cut -f1) > largest_folder_mib)); then
    echo "base image: leaves out $1, over $largest_folder_mib MiB" >&2
    return 1
  fi
  mkdir -p "$root$1"
  cp -a "$1/." "$root$1"
}

# Where Debian differs from the official image: Python has no plain name there, pip refuses to
# install beside system packages, services start when installed, and apt keeps its caches.
look_like_official_image() {
  ln -s /usr/bin/python3 "$root/usr/local/bin/python3"
  ln -s /usr/bin/python3 "$root/usr/local/bin/python"
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  cat >"$root/etc/apt/apt.conf.d/90image" <<'END'
Dir::Cache { pkgcache ""; srcpkgcache ""; };
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
END
}

import_image() {
  tar -C "$root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude=./etc/resolv.conf --exclude=./etc/hostname -c . |
    docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' \
      --change "LABEL $label=$1" - "$image"
}

main "$@"
