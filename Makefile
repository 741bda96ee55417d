# make app    the dashboard at http://localhost:5006
# make test   every check: style, types, walls between rooms, tests, notebooks; with COVERAGE=1 also
#             what share of lines the tests run (a quarter slower before Python 3.12)
# make tests  the last two of these
# make docs   the documentation, in docs/_build/html
# make bench  the benchmarks
# make bench-gpu  an accelerator, where JAX finds one: eight minutes at most
# make fuzz   every reader against a thousand damaged files (an hour; NUMBER=1000 SEED=0)
# make mutate small changes of the method's code that no test notices (an hour; SAMPLE=200 SEED=1)
# Each installs what it needs into .venv; nothing outside this folder is touched.

PYTHON ?= python3
PORT ?= 5006
# Another Python lives beside the first: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
# What was tested with it: pins of its own for a newer Python, where there are any.
VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PINS = $(firstword $(wildcard constraints-$(VERSION).txt) constraints.txt)
# All tests, or a list of files.
TESTS ?=

.PHONY: app test tests check docs bench bench-gpu fuzz mutate clean

app: $(VENV)/app
	$(BIN)/deepwas serve --open-disk --port $(PORT)

# Counting lines costs little from Python 3.12 on, where the interpreter does it.
COVERAGE_CORE = $$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')

test: check tests

tests: $(VENV)/test $(VENV)/ssf/installed $(VENV)/hub/installed
	COVERAGE_CORE=$(COVERAGE_CORE) $(BIN)/pytest $(if $(COVERAGE),--cov) $(TESTS) \
		-n 3 --dist loadfile --no-loadscope-reorder --durations=15

check: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

docs: $(VENV)/test
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

bench: $(VENV)/test
	$(BIN)/pytest benchmarks --benchmark-columns=min,median,rounds

# By the Python that knows the accelerator, which may have no registry at hand.
bench-gpu:
	$(or $(wildcard $(BIN)/python),$(PYTHON)) benchmarks/gpu.py

NUMBER ?= 1000

fuzz: $(VENV)/test
	nice $(BIN)/python -m tests.fuzz --number $(NUMBER) --seed $(or $(SEED),0)

SAMPLE ?= 200
SEED ?= 1

mutate: $(VENV)/test
	$(INSTALL) -e '.[test,mutation]'
	nice $(BIN)/python benchmarks/mutation.py --sample $(SAMPLE) --seed $(SEED)

clean:
	rm -rf $(VENV)

$(VENV)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	touch $@

# Compiled bytecode makes the first page come twice as fast.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c $(PINS)

$(VENV)/app: $(VENV)/python pyproject.toml $(PINS)
	$(INSTALL) -e '.[notebook,simulation]'
	touch $@

$(VENV)/test: $(VENV)/python pyproject.toml $(PINS)
	$(INSTALL) -e '.[docs,notebook,test]'
	touch $@ $(VENV)/app

# The GWAS Catalog's validator, which wants an older pandas than ours.
$(VENV)/ssf/installed: $(VENV)/python
	$(BIN)/uv venv --quiet --clear --python 3.11 $(VENV)/ssf
	$(BIN)/uv pip install --quiet --python $(VENV)/ssf/bin/python gwas-sumstats-tools==1.0.25 'numpy<2' six 'setuptools<81'
	touch $@

# The proxy of JupyterHub, where npm is there; without it one test is skipped.
$(VENV)/hub/installed: $(VENV)/python
	mkdir -p $(VENV)/hub
	if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund \
		--prefix $(VENV)/hub configurable-http-proxy@5.3.0; fi
	touch $@
