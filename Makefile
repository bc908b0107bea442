PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_HOME ?= .mmm-demo

.PHONY: help setup demo demo-quick test test-faults test-journeys lint format docs ui bench bench-engines clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## create .venv and install everything, pinned by constraints.txt

# Compiled byte code makes the first start three times faster where PYTHONDONTWRITEBYTECODE is set.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 12) else "mmm_pipeline needs Python 3.11 or 3.12, and $(PYTHON) is " + sys.version.split()[0] + ". Try: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

demo: setup  ## run the whole pipeline on the embedded demo market
	$(BIN)/mmm run --demo --home $(DEMO_HOME)

demo-quick: setup  ## see a whole report soon: one spec, few draws, not to decide on
	$(BIN)/mmm run --demo --quick --config demo-quick.yaml --home $(DEMO_HOME)-quick

test: setup lint  ## lint, type-check and run every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 20

test-fast: setup  ## what needs no sampler, no Dagster run and no other process
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow and not faults and not journeys"

test-faults: setup  ## kill runs, the daemon and its machine, and run many at once: twelve minutes
	$(BIN)/python -m pytest -o faulthandler_timeout=1200 -m faults

test-journeys: setup  ## use the real UI in Chromium; pictures are left in .journeys/
	$(BIN)/python -m pytest -o faulthandler_timeout=1200 -m journeys mmm_pipeline_tests/orchestration/pipeline/journeys

lint: setup  ## ruff (lint and format) and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## make the reference pages anew from the contracts and the settings
	$(BIN)/python -m mmm_pipeline.operations.reference_pages

ui: setup  ## open the Dagster UI on the demo's results
	$(BIN)/mmm ui --home $(DEMO_HOME)

bench: setup  ## slow side-by-side measurements
	$(BIN)/python -m benchmarks

bench-engines: setup  ## every installed engine on simulated markets, against their truth
	$(BIN)/python -m benchmarks engines

clean:  ## remove the environment and the demo's results
	rm -rf $(VENV) $(DEMO_HOME) $(DEMO_HOME)-quick
