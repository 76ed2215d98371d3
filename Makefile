# `make` alone lists what it can do. Needs Python 3.11 and make, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT   ?= 8000

VENV := .venv
BIN  := $(VENV)/bin
# Each stamp says: this lock file is installed, wholly. It is written last, so that a venv whose making was
# interrupted is made anew, and it is older than its lock file when the lock file has changed.
RUN_STAMP := $(VENV)/.runtime-installed
DEV_STAMP := $(VENV)/.dev-installed
INSTALL   := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r
LOCK      := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
             --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help run test soak lint format check lock wheel clean
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## the demo at http://127.0.0.1:8000/ (PORT=… for another); Ctrl-C stops everything
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py run_demo --port $(PORT)

# Four workers, each with files of its own; see CONTRIBUTING.md.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: $(DEV_STAMP) ## run the tests (ARGS="-k name" to choose); DATABASE_URL=postgres://… runs them there
	@$(PYTEST) $(ARGS)

soak: $(DEV_STAMP) ## the long forms of what CI runs short: long kills, large tables, long streams; half an hour
	@LOGSITE_TEST_SOAK=1 $(PYTEST) -m soak $(ARGS)

lint: $(DEV_STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(DEV_STAMP) ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# As for a public site, with data that is thrown away.
check: $(DEV_STAMP) ## Django's deployment checks, and whether a migration is missing
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && unset DATABASE_URL DATABASE_URL_FILE && \
	export DATA_DIR="$$data" PUBLIC_URL=https://logsite.example && \
	$(BIN)/python manage.py check --deploy --fail-level WARNING && \
	$(BIN)/python manage.py makemigrations --check --dry-run

lock: $(DEV_STAMP) ## bring both lock files up to date with pyproject.toml; LOCK_ARGS=--upgrade for newer versions
	$(LOCK) $(LOCK_ARGS) --extra demo --output-file requirements.lock pyproject.toml
	$(LOCK) $(LOCK_ARGS) --extra demo --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml

wheel: $(DEV_STAMP) ## build the source distribution, and of it the wheel, into dist/
	@rm -rf dist
	@$(BIN)/uv build --quiet --python $(BIN)/python --out-dir dist

clean: ## remove the virtual environment, caches and what was built; the data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_STAMP): requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo 'make: Python 3.11 is needed; where it has another name: make PYTHON=/path/to/python3.11 …' >&2; exit 1; }
	@echo "Installing requirements.lock into $(VENV); the first time takes a minute."
	@test -e $@ || "$(PYTHON)" -m venv --clear $(VENV)
	@$(INSTALL) requirements.lock
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo 'Installing the tools for tests and checks from requirements-dev.lock.'
	@$(INSTALL) requirements-dev.lock
	@touch $@
