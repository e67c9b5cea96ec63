# The two commands of a fresh machine: `make run` and `make test`. Both install what they need into .venv first.

PYTHON ?= python3
BIN := .venv/bin
# One more than there are cores: many tests wait for a process, a page or a clock.
TEST_PROCESSES ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
CODE := manage.py ragsite documents querying monitoring tests

.PHONY: install install-dev install-ocr run test test-fast lint format lock clean help

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/'

install: .venv/.installed $(if $(filter 1,$(OCR)),.venv/.installed-ocr) ## Make .venv with the pinned packages

install-dev: .venv/.installed-dev ## ... and what tests and checks need

install-ocr: .venv/.installed-ocr ## ... and what reads scans (OCR), 400 MB

.venv/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("ragsite needs Python 3.11, 3.12 or 3.13; set PYTHON=... ") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

.venv/.installed-ocr: .venv/.installed requirements-ocr.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-ocr.txt
	touch $@

run: install ## Serve on 127.0.0.1:8000 (PORT, DATABASE_URL, REDIS_URL, OLLAMA_BASE_URL are honoured)
	@$(BIN)/python manage.py serve --prepare

test: install-dev ## Run the whole suite
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadgroup

test-fast: install-dev ## Run what needs no database, browser or process and is not slow: two thirds of all tests
	$(BIN)/python -m pytest -n logical --dist loadgroup -m "not (database or process or slow or browser or redis)"

lint: install-dev ## Format, lint, types, layers, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

format: install-dev ## Rewrite the code in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install-dev ## Pin requirements*.in again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header requirements-ocr.in -o requirements-ocr.txt

clean: ## Remove what was installed and built; data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
