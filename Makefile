# Every target makes the environment it needs. Start with `make demo`.
PYTHON ?= python3
# How many processes run the tests.
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Python that may not cache its bytecode starts several times slower.
unexport PYTHONDONTWRITEBYTECODE
# Importing Airflow makes a home; never the user's. The tests and the demo have homes of their own.
export AIRFLOW_HOME := $(CURDIR)/.airflow

.DEFAULT_GOAL := help
.PHONY: help demo test coverage browser pictures lint types format bench docs compat release-check lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(READY) ## Export two days out of a local Gong through real Airflow
	$(BIN)/python scripts/demo.py

test: $(READY) lint types ## Lint, types, layers and all tests
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --durations=15

coverage: $(READY) ## All tests once more, slower, with the lines that none of them runs
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --cov --cov-report=term:skip-covered

browser: $(READY) ## The tests in a real browser; without Chromium this is an error
	@command -v chromium >/dev/null || \
		{ echo "Chromium is not installed. On Debian: apt-get install --no-install-recommends chromium"; exit 1; }
	GONG_TESTS_REQUIRE_ALL=1 $(BIN)/python -m pytest tests/browser

pictures: export GONG_TESTS_PICTURES = docs/images
pictures: browser ## Rewrite docs/images

lint: $(READY) ## Style and layers
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/pre-commit validate-config

types: $(READY) ## Static types
	$(BIN)/mypy

format: $(READY) ## Rewrite the code in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure what is promised: requests, time, memory, parse cost
	$(BIN)/python scripts/bench.py

docs: $(READY) ## Rewrite the generated parts of docs/, and build the site with the reference into build/docs
	$(BIN)/python -W ignore scripts/document.py
	$(BIN)/python -W ignore -m sphinx --quiet --fresh-env --fail-on-warning -c docs/reference . build/docs
	@echo "Open build/docs/index.html."

compat: $(READY) ## Run the tests with other versions: ENVIRONMENTS="newest python-3.13" TESTS="tests/hooks -x"
	$(BIN)/python scripts/compat.py $(ENVIRONMENTS) -- $(TESTS)

release-check: $(READY) ## Build the package, look into it, and run the demo out of it
	$(BIN)/python scripts/release_check.py

lock: $(READY) ## Renew the pinned versions in requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements-dev.txt

clean: ## Remove everything that can be made again
	rm -rf $(VENV) .airflow .compat .demo .pictures .release build dist *.egg-info .coverage .*_cache .hypothesis

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed: name one, as in \`make PYTHON=python3.12\`."; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@
