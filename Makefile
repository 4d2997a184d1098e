# The commands of the project: `make` lists them. Each first builds the environment in .venv, if it is missing or does not fit the lock.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
DICOMLAKE := $(BIN)/dicomlake

CORE := pipeline/core
CRATE := --locked --manifest-path $(CORE)/Cargo.toml

# Cargo builds outside the clone, so that other clones reuse its output; without a writable home it builds in target/.
ifndef CARGO_TARGET_DIR
export CARGO_TARGET_DIR := $(shell cache="$${XDG_CACHE_HOME:-$${HOME:-/nonexistent}/.cache}/dicomlake/target"; there="$$cache"; \
    until [ -e "$$there" ]; do there="$$(dirname "$$there")"; done; \
    if [ -w "$$there" ] && [ "$$there" != / ]; then echo "$$cache"; else echo "$(CURDIR)/target"; fi)
ifeq ($(CARGO_TARGET_DIR)$(CARGO_HOME),$(CURDIR)/target)
export CARGO_HOME := $(CURDIR)/target/cargo
endif
endif

.PHONY: help demo test test-long test-installed servers check bench night lock clean

help: ## list these targets
	@echo "dicomlake: make TARGET [PYTHON=python3.11]"
	@echo
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 18

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

TEST_PROCESSES ?= 2

PYTEST := $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

test: $(VENV)/tested ## run the tests, but for the long ones; ARGS="-k config" goes to pytest
	@$(check_rust)
	cargo test $(CRATE) --quiet --features stores
	$(PYTEST) -m "not long" $(ARGS)

test-long: $(VENV)/tested ## run the long tests: games of many nights, kills, clusters, benchmarks at toy size; ARGS goes to pytest
	$(PYTEST) -m long $(ARGS)

# The copy is the checkout without the package, so that nothing but the installed one can be imported there. Tests that look at the sources of
# the package skip there.
test-installed: $(VENV)/tested ## build a wheel, install it in a new environment, and run the tests there, outside the checkout
	@folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
	$(SAY) "building the wheel" -- $(BIN)/maturin build --release --out "$$folder/wheels"; \
	$(PYTHON) -m venv --without-pip "$$folder/venv"; \
	$(SAY) "installing packages" -- $(BIN)/uv pip install --python "$$folder/venv/bin/python" --no-config --require-hashes --no-deps \
	    --only-binary :all: -r requirements/lock.txt; \
	$(BIN)/uv pip install --quiet --python "$$folder/venv/bin/python" --no-config --no-deps "$$folder"/wheels/*.whl; \
	mkdir "$$folder/copy"; \
	git ls-files -z | grep -zv '^pipeline/dicomlake/' | xargs -0 cp --parents --target-directory "$$folder/copy"; \
	export DICOMLAKE_REAL_FILES="$${DICOMLAKE_REAL_FILES:-$(abspath ../shared/dicom)}"; \
	cd "$$folder/copy"; "$$folder/venv/bin/python" -m pytest -n $(TEST_PROCESSES) --dist worksteal -m "not long" $(ARGS)

# Emulators of Azure and Google, which tests start where they find them. Other versions are found in the PATH.
SERVERS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dicomlake/servers
AZURITE := 3.37.0
FAKE_GCS_SERVER := v1.56.1

servers: ## install servers for tests in a cache, with npm and Go: Azurite and fake-gcs-server; one or two minutes, once
	@status=0; mkdir -p "$(SERVERS)"; \
	if ! command -v npm >/dev/null; then \
	    echo "make: there is no 'npm', so tests against Azurite are skipped; install Node.js" >&2; status=1; \
	elif ! [ -e "$(SERVERS)/azurite-$(AZURITE)" ]; then \
	    { npm install --prefix "$(SERVERS)" --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error azurite@$(AZURITE) && \
	    touch "$(SERVERS)/azurite-$(AZURITE)"; } || status=1; \
	fi; \
	if ! command -v go >/dev/null; then \
	    echo "make: there is no 'go', so tests against fake-gcs-server are skipped; install Go" >&2; status=1; \
	elif ! [ -e "$(SERVERS)/fake-gcs-server-$(FAKE_GCS_SERVER)" ]; then \
	    { GOBIN="$(SERVERS)" CGO_ENABLED=0 go install -ldflags='-s -w' github.com/fsouza/fake-gcs-server@$(FAKE_GCS_SERVER) && \
	    touch "$(SERVERS)/fake-gcs-server-$(FAKE_GCS_SERVER)"; } || status=1; \
	fi; exit $$status

check: $(VENV)/tested ## lint, formatting, types, and the rules for imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --explicit-package-bases benchmarks
	$(BIN)/python -m mypy.stubtest dicomlake._core --mypy-config-file pyproject.toml --allowlist $(CORE)/scripts/stubtest_allowlist.txt
	$(BIN)/lint-imports --no-logo --no-cache
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python $(CORE)/scripts/make_dictionary.py --check
	$(BIN)/python $(CORE)/scripts/make_character_tables.py --check
	@$(check_rust)
	@$(check_rust_tools)
	cargo fmt --manifest-path $(CORE)/Cargo.toml --check
	cargo fmt --manifest-path $(CORE)/fuzz/Cargo.toml --check
	cargo fmt --manifest-path benchmarks/peers/dicom_rs/Cargo.toml --check
	cargo clippy $(CRATE) --quiet --all-targets -- -D warnings
	cargo clippy $(CRATE) --quiet --all-targets --features python -- -D warnings

bench: $(VENV)/tested ## measure reading headers and the main job on synthetic files; ARGS="--folder FOLDER --no-record"
	@status=0; for benchmark in scan main_job; do \
	    $(BIN)/python benchmarks/$$benchmark.py $(ARGS) || status=1; \
	done; exit $$status

night: $(VENV)/tested ## simulate a night of 20,000 changes on 1 and on 10 million instances: a quarter of an hour; ARGS="--folder FOLDER --no-record"
	$(BIN)/python benchmarks/nightly_scale.py $(ARGS)

lock: $(VENV)/bin/python ## resolve the newest versions that fit pyproject.toml into requirements/
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --upgrade --all-extras --output-file requirements/lock.txt pyproject.toml
	$(COMPILE) --constraints requirements/lock.txt --output-file requirements/run.txt pyproject.toml
	printf 'maturin\nuv\n' | $(COMPILE) --constraints requirements/lock.txt --output-file requirements/tools.txt -

COMPILE := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
    --no-emit-find-links --custom-compile-command "make lock"

clean: ## remove the environment, the demo and every cache in this folder; say where cargo's output is
	rm -rf $(VENV) demo build dist target $(CORE)/target pipeline/dicomlake/_core*.so .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find pipeline tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@if [ -e "$(CARGO_TARGET_DIR)" ]; then echo "$(CARGO_TARGET_DIR) stays, since other clones build there too; to remove it: rm -rf '$(CARGO_TARGET_DIR)'"; fi

# The environment is built in steps, each with a file in .venv for a stamp:
#   tools   a new environment with uv and maturin
#   run     the packages that dicomlake runs on
#   linked  the checkout is linked into it, and its core is compiled; `run` goes on meanwhile
#   ready   both: enough for the demo
#   tested  all packages of the lock: tests, linters, notebooks, the site of the docs
# It is built again from the beginning when a lock changes, and the core is compiled again when it changes. Only wheels are installed, by their
# hashes and without build isolation: so no other package is compiled, and no build tool is fetched that the lock does not name.
LOCKS := requirements/tools.txt requirements/run.txt requirements/lock.txt
SAY := $(BIN)/python $(CORE)/scripts/say_progress.py
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python --no-config --require-hashes --no-deps --only-binary :all:

$(VENV)/tools: $(LOCKS)
	@$(check_python)
	@$(check_rust)
	@echo "Building $(VENV): two to three minutes, once, nearly all of them for compiling $(CORE)."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(SAY) "installing uv and maturin" -- $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
	    --progress-bar off -r requirements/tools.txt
	@touch $@

$(VENV)/run: $(VENV)/tools
	@$(SAY) "installing packages" -- $(UV_INSTALL) -r requirements/run.txt
	@touch $@

$(VENV)/linked: $(VENV)/tools pyproject.toml $(CORE)/Cargo.toml $(CORE)/Cargo.lock $(shell find $(CORE)/src -type f)
	@$(check_rust)
	@crates="$$(cargo tree $(CRATE) --quiet --features python --edges normal,build --prefix none --format '{p}' | sed 's/ (\*)$$//' | sort -u | wc -l)"; \
	PATH="$(CURDIR)/$(BIN):$$PATH" $(SAY) "compiling $(CORE)" --crates "$$crates" -- $(BIN)/python -m pip install --verbose \
	    --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/ready: $(VENV)/tools $(CORE)/Cargo.toml $(CORE)/Cargo.lock $(shell find $(CORE)/src -type f) pyproject.toml
	@$(MAKE) --jobs 2 $(VENV)/run $(VENV)/linked
	@touch $@

$(VENV)/tested: $(VENV)/ready
	@$(SAY) "installing packages for tests" -- $(UV_INSTALL) -r requirements/lock.txt
	@touch $@

# Only for `make lock`, which must work with a broken lock.
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

define check_rust
needed="$$(sed -nE 's/^rust-version = "(.*)"/\1/p' $(CORE)/Cargo.toml)"; \
how="dicomlake needs Rust $$needed or newer; get it from https://rustup.rs, or your distribution's packages where they are new enough (cargo, rustc)"; \
for tool in cargo rustc; do \
    command -v $$tool >/dev/null || { echo "make: there is no '$$tool', and $$how" >&2; exit 2; }; \
    found="$$($$tool --version 2>&1 | head -n 1)" || true; \
    if ! [[ "$$found" =~ ^$$tool\ ([0-9.]+) ]] || ! printf '%s\n' "$$needed" "$${BASH_REMATCH[1]}" | sort -V -C; then \
        echo "make: '$$tool' can't be used: $$found, and $$how" >&2; \
        exit 2; \
    fi; \
done
endef

define check_rust_tools
for tool in fmt clippy; do \
    cargo $$tool --version >/dev/null 2>&1 || { \
        echo "make: there is no 'cargo $$tool'; install it: rustup component add rustfmt clippy (or apt install rustfmt rust-clippy)" >&2; \
        exit 2; }; \
done
endef

# A comma would end an argument of a call.
, := ,

define say
@printf '\n$$ %s\n' "$(1)"
endef

define ask
$(call say,dicomlake query demo/lake \"$(1)\")
@$(DICOMLAKE) query demo/lake "$(1)"
endef
