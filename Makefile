# The commands of this project. Everything runs in .venv, which make creates and keeps up to date.

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo ## Hand memos from one model to another and compare; ARGS="--context FILE --question '...'"
	@latentflow demo $(ARGS)

up: .venv/.demo ## Run store, broker, sharer and receiver in the foreground until Ctrl-C
	@latentflow up $(ARGS)

test: .venv/.dev ## Run every test but the rolling restart: unit, contract, integration, e2e; ARGS="-k name"
	python -m pytest $(ARGS)

rolling: .venv/.dev ## Restart two of each service, one after the other, under load: no request may be lost
	python -m pytest -m rolling tests/e2e/test_rolling_restart.py

faults: .venv/.dev ## Break connections, kill parts, spoil streams; ARGS="--runs 1 --seed 123"
	@python -m tests.faults $(ARGS)

check: .venv/.dev lint types imports environment protos manifests ## Check style, types, the import law, the contract, manifests

lint: .venv/.dev
	ruff check
	ruff format --check

types: .venv/.dev
	mypy
	mypy --strict scripts

imports: .venv/.dev
	lint-imports

environment: .venv/.dev
	python scripts/check_environment.py latentflow services

protos: .venv/.dev
	buf lint
	buf breaking --against tests/golden/contract.binpb
	scripts/check_generated.sh

manifests: .venv/.dev
	scripts/check_kubernetes.sh

bench: .venv/.dev ## Measure codec, broker, services and start; writes bench/results
	OMP_WAIT_POLICY=passive python -m bench $(ARGS)

soak: .venv/.dev ## Soak the broker for ten minutes; writes docs/soak.png and bench/results/soak.json
	python -m bench.soak $(ARGS)

certs: ## Make a CA and certificates for development into certs/; again: new certificates of that CA
	@scripts/make_certs.sh $(ARGS)

proto: .venv/.dev ## Generate latentflow/v1 from protos/
	scripts/generate.sh

requirements: .venv/.dev ## Pin the newest versions into requirements/
	scripts/compile_requirements.sh

compose-test: ## Build the images, run handoffs through docker compose without and with TLS, take it down
	deploy/compose-test.sh

bundle: .venv/.demo ## Write build/latentflow-*.tar, which installs without a network
	deploy/bundle/build.sh

bundle-test: ## Install that and run the demo where there is no network
	deploy/bundle/test.sh

clean: ## Remove .venv and everything that tools have left behind
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find latentflow services tests bench scripts -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11; try: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.demo: requirements/demo.txt pyproject.toml | .venv/bin/python
	python -m pip install --disable-pip-version-check --requirement requirements/demo.txt
	python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --quiet --editable .
	@touch $@

# What dev.txt pins includes all of demo.txt.
.venv/.dev: requirements/dev.txt pyproject.toml | .venv/bin/python
	python -m pip install --disable-pip-version-check --requirement requirements/dev.txt
	python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --quiet --editable .
	@touch .venv/.demo $@

.PHONY: help demo up test rolling faults check lint types imports environment protos manifests bench soak certs proto requirements compose-test bundle bundle-test clean
