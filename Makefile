# Needs git, make (3.81 or newer) and Python 3.11, 3.12 or 3.13 with venv; the rest is installed into $(VENV).
.DEFAULT_GOAL := help
.PHONY: help setup demo up test lint mssql-check lock clean

PYTHON ?=
VENV ?= .venv
PYTEST_ARGS ?=
PIP_ARGS ?=
LOCK_ARGS ?=
UV_VERSION := 0.13.9

BIN := $(abspath $(VENV))/bin
WITH := HEADRACE_VENV="$(abspath $(VENV))" sh .airflow/with

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready ## Make the virtual environment from requirements.txt (PYTHON=… picks the interpreter)

# Made whole or not at all: the stamp is written last, and another lock means another environment. The lock names every
# package: nothing is left to resolve, and --no-deps saves a fifth of the time.
$(VENV)/.ready: requirements.txt
	@python=$$(PYTHON="$(PYTHON)" sh .airflow/python.sh) && \
	echo "Setting up $(VENV) with $$($$python -V): a minute or two" && \
	rm -rf "$(VENV)" && \
	$$python -m venv "$(VENV)" && \
	"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes $(PIP_ARGS) \
		-r requirements.txt && \
	touch $@

demo: setup ## Run every pipeline on generated records in real Airflow and show the runs
	@env -u AIRFLOW_CONN_HEADRACE_WAREHOUSE -u AIRFLOW_CONN_HEADRACE_SOURCE $(WITH) python .airflow/demo.py

up: setup ## Start Airflow on 127.0.0.1 (PORT=8080) until Ctrl-C
	@$(WITH) python .airflow/up.py

test: setup ## Run the tests (PYTEST_ARGS="…" goes to pytest)
	@"$(BIN)/python" -m pytest $(PYTEST_ARGS)

lint: setup ## Check style, format and types
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/mypy"

# CONN reaches the program by the environment, where the list of processes does not show a password.
mssql-check: setup ## Try a SQL Server as pipelines use it (CONN=id of an Airflow connection, or its URI)
	@$(WITH) python -m include.warehouse.server_check

lock: ## Resolve requirements.in into requirements.txt (LOCK_ARGS=--upgrade takes newer releases)
	@python=$$(PYTHON="$(PYTHON)" sh .airflow/python.sh) && \
	{ test -x .venv-lock/bin/uv || $$python -m venv .venv-lock; } && \
	.venv-lock/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION) && \
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" $(LOCK_ARGS) requirements.in -o requirements.txt

clean: ## Remove the environments, the local Airflow and its databases
	rm -rf .venv .venv-* .headrace .mypy_cache .pytest_cache .ruff_cache .hypothesis
