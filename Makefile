# `make repro` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := $(shell sed -n 's/^uv==//p' constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help setup repro ui test lint licences fuzz soak faults bench peers docs

export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(VENV)/.installed ## make .venv and install everything under constraints.txt

$(VENV)/.installed: pyproject.toml constraints.txt
	@command -v git >/dev/null || { echo "git is missing: install it, then call make again." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 to 3.13, or name one with 'make PYTHON=/path/to/python'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "$$($(PYTHON) --version) does not do: lstmfcn needs Python 3.11 to 3.13. Name one with 'make PYTHON=/path/to/python'." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks its venv module: install it (Debian: apt-get install python3-venv), then call make again." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing (once; about a minute, 3 GB) ..."
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" \
	  && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraints constraints.txt --editable '.[dev]'; } \
	  || { echo "The installation failed (see above). Check the network and the disk's free space, then call make again; what was done is kept." >&2; exit 1; }
	@touch $@

repro: export PATH := $(CURDIR)/$(BIN):$(PATH)
repro: setup ## run the pipeline: what changed since the last time, and what depends on it
	@$(BIN)/dvc repro
	@echo
	@$(BIN)/lstmfcn summary

ui: setup ## look at the runs in MLflow, on http://127.0.0.1:5000
	$(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlruns/mlflow.db}" --host 127.0.0.1

FUZZ_SECONDS ?= 60

fuzz: setup ## the readers of data files: damaged files judged, then a coverage-guided fuzzer, FUZZ_SECONDS=60 each
	@$(BIN)/python tests/data/odd_damages.py $(FUZZ_SECONDS)
	@$(BIN)/uv pip install --quiet --target build/fuzz/atheris atheris==3.0.0
	@for kind in tsv csv ts arff arrays parquet npz; do mkdir -p build/fuzz/$$kind; \
	  PYTHONPATH=build/fuzz/atheris $(BIN)/python tests/faults/readers.py $$kind build/fuzz/$$kind \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 || exit 1; done

soak: setup ## 300 small jobs under kills and a flapping tracking server
	$(BIN)/python tests/faults/soak.py

faults: setup ## what each fault costs in time
	$(BIN)/python tests/faults/costs.py

bench: setup ## measure the engine beside its peers, if `make peers` has installed them
	$(BIN)/python benchmarks/speed.py

peers: benchmarks/.venv/.installed ## install sktime, aeon and tsai for the benchmarks (4 GB)

benchmarks/.venv/.installed: benchmarks/peers.txt
	@test -x benchmarks/.venv/bin/python || $(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	@touch $@

docs: setup ## the documentation as a site, into build/docs/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

licences: setup ## the licence of every dependency
	@$(BIN)/lstmfcn licences

lint: setup ## formatting, lint, types, import contracts, known advisories
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@for source in osv pypi; do \
	  said=$$($(BIN)/pip-audit --vulnerability-service $$source --strict --timeout 10 --progress-spinner off \
	    --requirement constraints.txt --no-deps --disable-pip 2>&1) && { echo "$$said"; exit 0; }; \
	  if grep -q 'known vulnerabilit' <<< "$$said"; then echo "$$said"; exit 1; fi; \
	  echo "No audit of the dependencies by pip-audit's source $$source: $$(tail -n 1 <<< "$$said" | cut -c1-200)"; \
	done

test: lint ## all checks and all tests
	$(BIN)/pytest
