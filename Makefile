# The commands of a checkout. An active virtual or conda environment is used; without one, .venv is made.

PYTHON ?= python3
ENV := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX),$(CURDIR)/.venv)
RUN := $(ENV)/bin/python

# What is installed is remembered in the environment, for this checkout.
STAMP := $(ENV)/.mmpose_lite-$(shell echo '$(CURDIR)' | cksum | cut -d' ' -f1)
METADATA := setup.py requirements.txt pyproject.toml

# One worker a core; each takes a gigabyte of memory.
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 4 --dist worksteal

.PHONY: help install quickstart test slow lint docs check format clean

help:
	@echo 'make install     install the package, editable'
	@echo 'make quickstart  render faces, fine-tune, test and draw; one to three minutes on a CPU'
	@echo 'make test        run the quick tests; four to five minutes on two cores'
	@echo 'make slow        run the others, which start processes or train for longer'
	@echo 'make lint        check lint, format and types'
	@echo 'make docs        build the pages as a site, in build/site'
	@echo 'make check       all of them: what CI runs'
	@echo 'make format      repair what lint and format can repair'
	@echo 'make clean       remove what builds and tests leave behind'

install: $(STAMP)

quickstart: $(STAMP)
	$(RUN) -m mmpose_lite quickstart

test: $(STAMP)-dev
	$(PYTEST) -m 'not slow'

slow: $(STAMP)-dev
	$(PYTEST) -m slow

lint: $(STAMP)-dev
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

docs: $(STAMP)-dev
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build

check: lint docs test slow

format: $(STAMP)-dev
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(RUN):
	$(PYTHON) -m venv $(ENV)
	$(RUN) -m pip install --upgrade pip

$(STAMP): $(METADATA) | $(RUN)
	$(RUN) -m pip install --editable '.[predict]'
	touch $@

$(STAMP)-dev: $(METADATA) | $(RUN)
	$(RUN) -m pip install --editable '.[dev]'
	touch $(STAMP) $@
