# A newcomer's commands: `make demo` (neither root nor a system package), `make test`, `make check`.
# Everything is set up in .venv; `make test` also installs Debian's packages where it may.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
REQUIRE ?= $(CI)
PYZ ?= envcheck.pyz

.PHONY: demo test check bench proof clean $(PYZ)

demo: $(VENV)/demo
	$(BIN)/envcheck demo

test: $(VENV)/dev
	sh tests/setup.sh
	ENVCHECK_REQUIRE="$(REQUIRE)" sh tests/run.sh $(BIN)/python

check: $(VENV)/dev
	$(BIN)/ruff check envcheck tests
	$(BIN)/ruff format --check envcheck tests
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

# One file for hosts that have nothing but Python 3.11: all but ssh, and the demo.
PURE := typer annotated_doc shellingham rich pygments markdown_it mdurl yaml dotenv
$(PYZ): $(VENV)/demo
	@rm -rf $(VENV)/pyz && mkdir $(VENV)/pyz && cp -r envcheck $(VENV)/pyz
	@cp -r checks $(VENV)/pyz/envcheck
	@site=$$($(BIN)/python -c 'import pathlib, typer; print(pathlib.Path(typer.__file__).parents[1])') && \
		for package in $(PURE); do cp -r "$$site/$$package" $(VENV)/pyz || exit 1; done
	@find $(VENV)/pyz '(' -name '*.so' -o -name __pycache__ ')' -prune -exec rm -r {} +
	$(BIN)/python -m zipapp $(VENV)/pyz -o $(PYZ) -p '/usr/bin/env python3' -m envcheck.cli:main -c

bench: $(VENV)/dev
	sh tests/setup.sh
	PYTHONPATH=tests $(BIN)/python -m bench

proof: $(VENV)/dev
	sh tests/setup.sh
	PYTHONPATH=tests $(BIN)/python -m live.matrix

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "envcheck needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "no venv module: apt-get install python3-venv, or call make with PYTHON=..." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=24"

$(VENV)/%: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
