# Every target sets up the virtual environment that it needs; nothing else has to be installed first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate --quiet

.PHONY: help run test check bench lock schemas clean

help: ## What can be made (this list)
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.build: requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Switchboard needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.run: $(VENV)/.build requirements.lock pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.run ## The whole system on this machine, with sample agents and traffic (options: make run ARGS="--help")
	@exec $(BIN)/switchboard up $(ARGS)

test: $(VENV)/.dev ## All tests, on a real Kafka (options: make test ARGS="-k router")
	@exec $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev ## Style, types and import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev ## The figures, measured now; also written to build/bench.json
	@exec $(BIN)/python -m benchmarks $(ARGS)

schemas: $(VENV)/.dev ## Write anew what is made from the code: JSON Schemas, docs of topics, settings and metrics
	@$(BIN)/python -m schemas $(ARGS)
	@$(BIN)/python -m runtime.reference

lock: $(VENV)/.build ## Resolve the dependencies anew into the lock files (versions and hashes)
	@$(BIN)/$(LOCK) pyproject.toml --output-file requirements.lock
	@$(BIN)/$(LOCK) pyproject.toml --extra dev --output-file requirements-dev.lock
	@$(BIN)/$(LOCK) --group build --output-file requirements-build.lock

clean: ## Remove the virtual environment and everything that was built
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
