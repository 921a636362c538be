PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: serve test test-quick check bench format clean

serve: $(STAMP)
	$(BIN)/hearken serve

test: $(STAMP)
	$(BIN)/python -m pytest

# What needs neither sockets, nor trained models, nor a browser.
test-quick: $(STAMP)
	$(BIN)/python -m pytest -m "not socket and not model and not browser"

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m tests.bench

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV)

# The versions that are known to work together; without -c newer ones are taken. Python compiles what
# it imports: compiling everything that comes with it takes twice as long as the rest.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
