# `make repro` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := $(shell sed -n 's/^uv==//p' constraints.txt)

.DEFAULT_GOAL := help
.PHONY: help setup moved repro ui test lint licences fuzz soak faults bench peers docs

export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(VENV)/.installed ## make .venv and install everything under constraints.txt

# What is installed names the place of .venv and of the clone: where they were moved or copied, it is renamed.
define MOVE_VENV
import pathlib, re, sys
here, venv = sys.argv[1], pathlib.Path(".venv")
settings = venv / "pyvenv.cfg"
old = re.search(r"^command = .*? (/.*)/\.venv$$", settings.read_text(), re.MULTILINE)
if old and old[1] != here:
    print(f"This clone was at {old[1]}: .venv is brought along.")
    named = (r"*.pth", "__editable__*", "*.dist-info/direct_url.json")
    texts = [*venv.glob("bin/*"), *(path for name in named for path in venv.glob(f"lib/python*/site-packages/{name}"))]
    for path in [*texts, settings]:
        if path.is_symlink() or not path.is_file() or b"\0" in (content := path.read_bytes()):
            continue
        moved = content
        for change in (str, lambda folder: pathlib.Path(folder).as_uri()):
            before, after = (change(folder).encode() for folder in (old[1], here))
            moved = re.sub(re.escape(before) + rb"(?![\w.%-])", lambda _: after, moved)
        if moved.startswith(b"#!/") and (" " in here or len(here) > 100):  # no first line of a script may be so
            first, rest = moved.split(b"\n", 1)
            moved = b"#!/bin/sh\n'''exec' \"" + first[2:] + b"\" \"$$0\" \"$$@\"\n' '''\n" + rest
        if moved != content:
            path.write_bytes(moved)
endef
export MOVE_VENV

# aeon's kernels are compiled when they are first called, for half a minute, and kept beside aeon. That begins here,
# while the data is fetched and validated, so that no job has to wait for it.
define COMPILE
import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
X = np.random.default_rng(0).normal(size=(4, 1, 24)).astype(np.float32)
MiniRocketClassifier(n_kernels=84, random_state=0).fit(X, np.array([0, 1, 0, 1])).predict(X)
endef
export COMPILE

moved:
	@test ! -x $(BIN)/python || test ! -f $(VENV)/pyvenv.cfg || $(BIN)/python -c "$$MOVE_VENV" "$(CURDIR)"

$(VENV)/.installed: pyproject.toml constraints.txt | moved
	@command -v git >/dev/null || { echo "git is missing: install it, then call make again." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 to 3.13, or name one with 'make PYTHON=/path/to/python'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "$$($(PYTHON) --version) does not do: lstmfcn needs Python 3.11 to 3.13. Name one with 'make PYTHON=/path/to/python'." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks its venv module: install it (Debian: apt-get install python3-venv), then call make again." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing (once; about a minute, 3 GB) ..."
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" \
	  && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraints constraints.txt --editable '.[dev]'; } \
	  || { echo "The installation failed (see above). Check the network and the disk's free space, then call make again; what was done is kept." >&2; exit 1; }
	@$(BIN)/python -c "$$COMPILE" > /dev/null 2>&1 &
	@touch $@

repro: export PATH := $(CURDIR)/$(BIN):$(PATH)
repro: setup ## run the pipeline: what changed since the last time, and what depends on it
	@$(BIN)/dvc repro
	@echo
	@$(BIN)/lstmfcn summary

ui: setup ## look at the runs in MLflow: links to views that answer, on http://127.0.0.1:5000
	@$(BIN)/lstmfcn ui

FUZZ_SECONDS ?= 60

fuzz: setup ## the readers of data files: damaged files judged, then a coverage-guided fuzzer, FUZZ_SECONDS=60 each
	@$(BIN)/python tests/data/odd_damages.py $(FUZZ_SECONDS)
	@$(BIN)/uv pip install --quiet --target build/fuzz/atheris atheris==3.0.0
	@for kind in tsv csv ts arff arrays parquet npz; do mkdir -p build/fuzz/$$kind; \
	  PYTHONPATH=build/fuzz/atheris $(BIN)/python tests/faults/readers.py $$kind build/fuzz/$$kind \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 || exit 1; done

soak: setup ## the exhaustive tests, then 300 small jobs under kills and a flapping tracking server
	$(BIN)/pytest -m exhaustive
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
