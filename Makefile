# make app    the dashboard at http://localhost:5006
# make test   every check: style, types, walls between rooms, tests, notebooks; with COVERAGE=1 also
#             what share of lines the tests run (a quarter slower before Python 3.12)
# make docs   the documentation, in docs/_build/html
# make bench  the benchmarks
# make fuzz   every reader against a thousand damaged files (an hour; NUMBER=1000 SEED=0)
# make mutate small changes of the method's code that no test notices (an hour; SAMPLE=200 SEED=1)
# Each installs what it needs into .venv; nothing outside this folder is touched.

PYTHON ?= python3
PORT ?= 5006
BIN := .venv/bin

.PHONY: app test check docs bench fuzz mutate clean

app: .venv/app
	$(BIN)/deepwas serve --open-disk --port $(PORT)

# Counting lines costs little from Python 3.12 on, where the interpreter does it.
COVERAGE_CORE = $$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')

test: check .venv/ssf/installed
	COVERAGE_CORE=$(COVERAGE_CORE) $(BIN)/pytest $(if $(COVERAGE),--cov) \
		-n 2 --dist loadfile --no-loadscope-reorder --durations=15

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

docs: .venv/test
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

bench: .venv/test
	$(BIN)/pytest benchmarks --benchmark-columns=min,median,rounds

NUMBER ?= 1000

fuzz: .venv/test
	nice $(BIN)/python -m tests.fuzz --number $(NUMBER) --seed $(or $(SEED),0)

SAMPLE ?= 200
SEED ?= 1

mutate: .venv/test
	$(INSTALL) -e '.[test,mutation]'
	nice $(BIN)/python benchmarks/mutation.py --sample $(SAMPLE) --seed $(SEED)

clean:
	rm -rf .venv

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	touch $@

# Compiled bytecode makes the first page come twice as fast.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c constraints.txt

.venv/app: .venv/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[notebook,simulation]'
	touch $@

.venv/test: .venv/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs,notebook,test]'
	touch $@ .venv/app

# The GWAS Catalog's validator, which wants an older pandas than ours.
.venv/ssf/installed: .venv/python
	$(BIN)/uv venv --quiet --clear --python 3.11 .venv/ssf
	$(BIN)/uv pip install --quiet --python .venv/ssf/bin/python gwas-sumstats-tools==1.0.25 'numpy<2' six 'setuptools<81'
	touch $@
