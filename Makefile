# `make help` lists what there is. Python 3.11 and make are all that a machine needs.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SOURCES := oneo tests bench migrations wsgi.py

.DEFAULT_GOAL := check
.PHONY: run test check prove bench fmt migration help

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.server: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.server

run: $(VENV)/.server  ## start the server (PORT=8000 ONEO_DATA_DIR=var make run)
	@exec $(BIN)/python wsgi.py

test: $(VENV)/.dev  ## run the tests
	$(BIN)/python -m pytest -n 2 -m "not prove"

check: $(VENV)/.dev  ## format, lint, types, import layers, tests: what must be green before a commit
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n 2 -m "not prove"

prove: $(VENV)/.dev  ## the long proofs: races, kills, browsers, external PostgreSQL and Redis
	$(BIN)/python -m pytest -m prove

bench: $(VENV)/.dev  ## measure Oneo beside the same SQL run bare (ARGS="users --seconds 10")
	$(BIN)/python -m bench $(ARGS)

fmt: $(VENV)/.dev  ## format, and mend what can be mended
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

migration: $(VENV)/.dev  ## draft a migration from the models (NAME="add a column")
	$(BIN)/flask --app wsgi db revision --autogenerate -m "$(NAME)"

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 20
