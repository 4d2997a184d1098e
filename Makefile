# The ways in: `make` lists them. Each builds the environment in .venv first, where it is not there or no longer fits the lock.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
DICOMLAKE := $(BIN)/dicomlake

.PHONY: help demo test check bench lock clean

help: ## list these targets
	@echo "dicomlake: make TARGET [PYTHON=python3.11]"
	@echo
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 12

demo: $(VENV)/ready ## write a sample archive, index it, and ask the lake three questions
	@rm -rf demo/archive demo/lake
	$(call say,dicomlake sample demo/archive)
	@$(DICOMLAKE) sample demo/archive
	$(call say,dicomlake index demo/archive --lake demo/lake)
	@$(DICOMLAKE) index demo/archive --lake demo/lake
	$(call ask,select Modality$(,) count(*) as series$(,) sum(NumberOfSeriesRelatedInstances) as instances \
	from series group by Modality order by instances desc$(,) Modality)
	$(call ask,select PatientID$(,) StudyDate$(,) StudyDescription$(,) NumberOfStudyRelatedInstances as instances \
	from studies order by StudyDate desc limit 5)
	$(call ask,select code$(,) message$(,) url from files where status = 'failed' order by url)
	@echo
	@echo "The lake is demo/lake: query it with $(DICOMLAKE) query demo/lake \"select …\", or open notebooks/01_quickstart.ipynb."

test: $(VENV)/ready ## run every test; ARGS="-k config" goes to pytest
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/ready ## lint, formatting, types, and which room imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: $(VENV)/ready ## measure the main job on synthetic files
	$(BIN)/python benchmarks/main_job.py $(ARGS)

lock: $(VENV)/bin/python ## resolve the newest versions that fit pyproject.toml into requirements/lock.txt
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m uv pip compile pyproject.toml --quiet --upgrade --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements/lock.txt

clean: ## remove the environment, the demo and every cache
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find pipeline tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The environment is what the lock says and nothing else, so a changed lock makes it anew; the checkout itself is linked into it.
# Wheels only, and no build isolation: nothing is compiled, and no build tool is fetched that the lock does not name.
$(VENV)/locked: requirements/lock.txt
	@$(check_python)
	@echo "Building $(VENV) from requirements/lock.txt: a minute or two, once."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/lock.txt
	@touch $@

$(VENV)/ready: $(VENV)/locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

# For `make lock` alone, which must work when the lock does not.
$(VENV)/bin/python:
	@$(check_python)
	@$(PYTHON) -m venv $(VENV)

define check_python
command -v "$(PYTHON)" >/dev/null || { \
    echo "make: there is no '$(PYTHON)'; install Python 3.11 or newer (apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3" >&2; \
    exit 2; }; \
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "make: '$(PYTHON)' can't be used: $$("$(PYTHON)" --version 2>&1 | head -n 1), and dicomlake needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; \
    exit 2; }; \
"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
    echo "make: '$(PYTHON)' has no venv module; install it (apt install python3-venv), or name another Python: make PYTHON=/path/to/python3" >&2; \
    exit 2; }
endef

# In a recipe's call a comma would end the argument.
, := ,

define say
@printf '\n$$ %s\n' "$(1)"
endef

define ask
$(call say,dicomlake query demo/lake \"$(1)\")
@$(DICOMLAKE) query demo/lake "$(1)"
endef
