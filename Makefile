# The two commands of the README: `make demo` and `make test`. Each does all the set-up on
# a machine that has only Python >= 3.11, in this folder's own .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= demo
# where this is set, every process of a test compiles our 400 files anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow test-cluster check format docs man install clean

demo: $(STAMP)
	$(BIN)/ionface run lagp-pdol-li --quick --project $(DEMO)/lagp-pdol-li
	$(BIN)/ionface run lpscl-in --quick --project $(DEMO)/lpscl-in

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"  # fixtures are made once

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# a real Slurm and a real MongoDB, fetched where root may; FAULTS chooses among the cases
FAULTS ?= test
test-cluster: $(STAMP)
	IONFACE_CLUSTER_TESTS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow tests/cluster -k "$(FAULTS)"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the site, in build/site: strict, so that a dead link or anchor is an error
docs: $(VENV)/.docs-installed
	$(BIN)/mkdocs build

$(VENV)/.docs-installed: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

man: $(STAMP)
	mkdir -p build
	$(BIN)/python -m ionface.workflows.cli.manual > build/ionface.1

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ionface needs Python 3.11 or newer; set one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[mlip,fast,vasp,cluster,deposition,dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache
