# Every verb of the project. `make setup` is part of each and does only what is not done yet.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python that ONNX Runtime's training package exists for.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.10; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 13))' \
	2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# Node from PyPI, where setup had to take it from there.
export PATH := $(CURDIR)/build/node:$(CURDIR)/$(BIN):$(PATH)
# Jupyter refuses to run as root unless told that it is meant.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root)
TESTS := $(wildcard tests/unit tests/contract tests/engine tests/browser)

.PHONY: help setup demo lab test test-torch24 lint fix unit engine browser bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## create .venv, build the browser side, compile what ONNX Runtime needs
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.10, 3.11 or 3.12 is needed and none was found." \
		"Install one (Debian: apt install python3 python3-venv python3-dev)."; exit 1; fi
	@$(PYTHON) scripts/setup.py

demo: setup ## train a model on sunspots, write the notebook and report.html
	@$(BIN)/ortviz demo

lab: setup ## open the first notebook in JupyterLab
	@$(BIN)/jupyter lab $(LAB_FLAGS) notebooks/01_sunspots.ipynb

test: lint ## lint, types and every layer of tests
	cd extension && npm test
	$(BIN)/python -m pytest $(TESTS)

# A second environment, .venv-torch24 (4.6 GB): custom autograd functions need torch 2.6 or older.
test-torch24: setup ## only the engine tests, on torch 2.4.1 with custom autograd functions on
	@$(PYTHON) scripts/setup.py --torch24
	ORTMODULE_ENABLE_CUSTOM_AUTOGRAD=1 .venv-torch24/bin/python -m pytest tests/engine

lint: setup ## style, types and import rules of Python and TypeScript
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd extension && npm run lint && npm run typecheck

fix: setup ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd extension && npm run fix

unit: setup ## only the quick tests
	cd extension && npm test
	$(BIN)/python -m pytest tests/unit tests/contract -m "not wheel and not engine"

engine: setup ## only the tests with real torch and ONNX Runtime training
	$(BIN)/python -m pytest tests/engine

browser: setup ## only the tests in a real JupyterLab and Chromium
	$(BIN)/python -m pytest tests/browser

bench: setup ## benchmarks, each as a ratio to a peer measured in the same run
	$(BIN)/python -m benchmarks

clean: ## remove what was built, but not .venv and .venv-torch24
	rm -rf build dist out ortviz/static ortviz/labextension extension/lib
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
