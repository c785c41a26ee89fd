# make run    the whole engine on invented leads and invented providers, by itself
# make test   everything a change must pass
# make lint   its first, quick part
# make bench  the speed bars of tests/benchmarks
# make soak   hours of chaos and simulation (SOAK_KILLS=20 SOAK_SEEDS=0 ...: shorter)
# make lock   requirements/*.lock anew (needs uv)
# make clean  remove what these made
#
# Needed: GNU make 3.81 or later and Python 3.11 or later with venv. Another Python:
# make PYTHON=python3.13 test. Nothing is installed outside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# a second environment that has never seen the sources, only the wheel
WHEEL_VENV := .data/wheel-venv
WHEEL_DIR := .data/dist
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check

# --- what make run runs ------------------------------------------------------------
LEADS ?= examples/agri/leads.csv
SEQUENCE ?= examples/agri/sequence-mail.toml
SENDERS ?= examples/agri/senders-mail.toml
# engine time runs so many times faster
SPEED ?= 4000
# two working days of engine time, in the tenant's zone
FROM ?= 2026-03-03T09:00
UNTIL ?= 2026-03-04T19:00
RUN_FLAGS ?=
# Emptied before each run. As root the servers run as another account, who may not be
# able to enter this folder.
RUN_DATA ?= $(if $(filter 0,$(shell id -u)),/var/lib/outreach-run,$(CURDIR)/.data/run)

# --- what make test runs -----------------------------------------------------------
# what one process leaves for the end another takes over
PYTEST_FLAGS ?= -n auto --dist worksteal
# what depends on files beside the modules, and so may be missing in a wheel
WHEEL_TESTS ?= tests/contract tests/adapters tests/house/test_wheel.py

.PHONY: run test lint pytest wheel bench soak lock clean

# A stranger's settings must not reach this run: with real credentials it would send.
run: $(VENV)/runtime.stamp
	$(BIN)/python -m outreach.entrypoints.embedded discard "$(RUN_DATA)/servers"
	rm -rf "$(RUN_DATA)"
	unset $$(env | sed -n 's/^\(OUTREACH_[A-Z0-9_]*\)=.*/\1/p') none; \
	OUTREACH_DATA_DIR="$(RUN_DATA)" OUTREACH_WEB_PORT=0 $(BIN)/outreach run \
	  --leads "$(LEADS)" --sequence "$(SEQUENCE)" --senders "$(SENDERS)" \
	  --speed $(SPEED) --from $(FROM) --until $(UNTIL) $(RUN_FLAGS)

test: lint
	$(MAKE) pytest
	$(MAKE) wheel

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

pytest: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

wheel: $(VENV)/dev.stamp $(WHEEL_VENV)/dev.stamp
	rm -rf $(WHEEL_DIR)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(WHEEL_DIR) .
	$(WHEEL_VENV)/bin/$(PIP_INSTALL) --no-deps --force-reinstall $(WHEEL_DIR)/*.whl
	OUTREACH_TEST_WHEEL=1 $(WHEEL_VENV)/bin/python -m pytest $(PYTEST_FLAGS) $(WHEEL_TESTS)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks $(BENCH_FLAGS)

soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.faults.chaos

lock:
	$(LOCK) --group build --output-file requirements/build.lock
	$(LOCK) pyproject.toml --extra embedded --output-file requirements/runtime.lock
	$(LOCK) pyproject.toml --all-extras --group dev \
	  --constraint requirements/runtime.lock --constraint requirements/build.lock \
	  --output-file requirements/dev.lock

# no address of any index in the files: they are read on machines with others
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate $(LOCK_FLAGS)

clean:
	test ! -x $(BIN)/python || $(BIN)/python -m outreach.entrypoints.embedded discard "$(RUN_DATA)"
	rm -rf $(VENV) .data build dist .mypy_cache .pytest_cache .ruff_cache
	rm -rf .hypothesis .import_linter_cache

# --- environments: from the locks, hashes checked ----------------------------------
$(VENV)/runtime.stamp: pyproject.toml requirements/build.lock requirements/runtime.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed: name one by make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv: apt install python3-venv (Debian, Ubuntu)," \
	    "or name a complete Python by make PYTHON=..." >&2; exit 2; }
	@echo "Building $(VENV) (a minute or two) ..."
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) --require-hashes -r requirements/runtime.lock
	$(BIN)/$(PIP_INSTALL) --require-hashes -r requirements/build.lock
	$(BIN)/$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements/dev.lock
	@echo "Adding the tools of requirements/dev.lock ..."
	$(BIN)/$(PIP_INSTALL) --require-hashes -r requirements/dev.lock
	touch $@

$(WHEEL_VENV)/dev.stamp: $(VENV)/dev.stamp
	rm -rf $(WHEEL_VENV)
	$(BIN)/python -m venv $(WHEEL_VENV)
	$(WHEEL_VENV)/bin/$(PIP_INSTALL) --require-hashes -r requirements/dev.lock
	touch $@
