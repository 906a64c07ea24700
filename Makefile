# The targets that people and CI run. `make demo` and `make test` set themselves up; nothing else is needed
# than Python 3.11 with venv, git and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HOMEOSTAT_HOME ?= .homeostat
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
# Benchmarks take JSON=FILE, STRICT=1 and, where they score data, DATA=DIR from the environment.
export JSON STRICT DATA QUICK ONLY

.PHONY: help demo demo-kube up analysis clusters test test-kube lint fix chaos bench bench-health bench-diagnosis bench-kube peers schemas docs lock clean wheel

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

demo: $(VENV)/analysis.ready ## set up and play the five acts on embedded defaults
	@$(BIN)/homeostat demo

demo-kube: $(VENV)/dev.ready ## four acts on a real Kubernetes control plane with fake nodes (needs `make peers`)
	@$(BIN)/python benchmarks/demo_kube.py

up: $(VENV)/analysis.ready ## the same embedded system kept running, with the page on localhost
	@test -d $(HOMEOSTAT_HOME) || $(BIN)/homeostat --home $(HOMEOSTAT_HOME) init
	@exec $(BIN)/homeostat --home $(HOMEOSTAT_HOME) up

analysis: $(VENV)/analysis.ready ## also install what the detectors need

clusters: $(VENV)/clusters.ready ## also install what targets of kind kubernetes need

test: $(VENV)/dev.ready ## set up and pass the tests (under 10 minutes on 2 cores; all but those on a real control plane)
	@$(BIN)/pytest -n 2 --dist worksteal -q

test-kube: $(VENV)/dev.ready ## every test on a real control plane (needs `make peers`; skips without)
	@KUBE=all $(BIN)/pytest -n 2 --dist worksteal -q tests/kube tests/cluster tests/contract/test_targets_kubernetes.py \
		tests/features/test_feature_cluster_repair.py tests/features/test_feature_cluster_safety.py

lint: $(VENV)/dev.ready ## format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(VENV)/dev.ready ## format and repair what can be repaired
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

chaos: $(VENV)/dev.ready ## kill -9 at every journaled step and at random moments, the loop in any order of events, every property with all its examples (long)
	@$(ROOMY) CHAOS=all $(BIN)/pytest -n 2 --dist worksteal -q -o tmp_path_retention_policy=failed tests/chaos tests/properties --timeout 900 \
		$(if $(SEED),--chaos-seed $(SEED) --hypothesis-seed $(SEED))
# Its homes are many and small, and no disk is asked to prove anything: memory, where there is enough.
ROOMY := $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)" -gt 2000000 2>/dev/null && echo TMPDIR=/dev/shm)

bench: $(VENV)/dev.ready ## every figure with its reach (JSON=FILE, STRICT=1)
	@$(BIN)/python benchmarks/all.py

bench-health: $(VENV)/dev.ready ## how often health is told right, and what it costs (DATA=DIR, JSON=FILE, STRICT=1)
	@$(BIN)/python benchmarks/bench_health.py

bench-diagnosis: $(VENV)/dev.ready ## how well causes, anomalies, forecasts and the rest are found on recorded data (DATA=DIR, ONLY=, JSON=FILE, STRICT=1)
	@$(BIN)/python benchmarks/bench_diagnosis.py

bench-kube: $(VENV)/dev.ready ## converging beside Flux on a real control plane (needs `make peers`; QUICK=1, JSON=FILE, STRICT=1)
	@$(BIN)/python benchmarks/all.py kube kube_up

peers: ## build the real programs that some tests run beside (ONLY="cluster ..", once, long)
	@.ci/peers/build $(ONLY)

schemas: $(VENV)/dev.ready ## write schemas/ from the document models
	@$(BIN)/python -m reconciler.documents.schemas

docs: $(VENV)/dev.ready ## write docs/reference/ from the code
	@$(BIN)/python -m reconciler.cli.reference

wheel: $(VENV)/dev.ready ## build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

lock: $(VENV)/dev.ready ## resolve the lock files again (KEEP=1: only what is new)
	@echo "uv==$$($(BIN)/uv --version | cut -d' ' -f2)" | $(BIN)/uv pip compile -q - -o requirements/uv.lock $(LOCK)
	@$(BIN)/uv pip compile -q pyproject.toml --group build -o requirements/run.lock $(LOCK)
	@$(BIN)/uv pip compile -q pyproject.toml --group build --extra analysis -o requirements/analysis.lock $(LOCK)
	@$(BIN)/uv pip compile -q pyproject.toml --group build --extra kubernetes -o requirements/clusters.lock $(LOCK)
	@$(BIN)/uv pip compile -q pyproject.toml --group dev --all-extras -o requirements/dev.lock $(LOCK)
LOCK := $(if $(KEEP),,--upgrade) --generate-hashes --no-header --no-annotate --universal --python-version 3.11

clean: ## remove the environment and what was built
	@rm -rf $(VENV) dist build

$(BIN)/uv: requirements/uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

# One recipe for both environments: the locked packages, then this project in place. Says what it cost.
$(VENV)/%.ready: requirements/%.lock pyproject.toml $(BIN)/uv
	@start=$$(date +%s.%N); \
	$(UV) -r requirements/$*.lock; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	bytes=$$(du -sb $(VENV) | cut -f1); \
	echo "$$bytes $$start" | awk -v now=$$(date +%s.%N) '{printf "set up: %.0f MB (%d bytes) in $(VENV), %.1f s for the locked packages\n", $$1/1e6, $$1, now-$$2}'
	@touch $@
