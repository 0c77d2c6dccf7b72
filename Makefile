# `make demo` sets up and runs the main job; `make test` sets up and passes the tests; `make check` holds the code to its rules,
# `make fuzz` tries all hostile inputs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
LOG := $(shell test -t 2 && echo auto || echo plain)
# Compiled modules are kept, whatever the surroundings say: otherwise each process compiles torch and transformers anew,
# which takes 15 to 20 seconds, and tests start many.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test check fuzz setup clean

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[train,dev]'
	touch $@

demo: setup
	rm -rf $(DEMO)
	$(BIN)/mentum phantoms $(DEMO)/specimens --images-per-taxon 70 --width 256 --log $(LOG)
	$(BIN)/mentum train $(DEMO)/specimens --recipe quick --out $(DEMO)/run --cache $(DEMO)/cache --log $(LOG)
	$(BIN)/mentum evaluate $(DEMO)/run
	$(BIN)/mentum explain $(DEMO)/run --characters $(DEMO)/specimens/characters.coco.json --subset validation \
	    --cache $(DEMO)/cache --log $(LOG)
	$(BIN)/mentum report $(DEMO)/run
	$(BIN)/mentum export $(DEMO)/run --out $(DEMO)/model --cache $(DEMO)/cache --log $(LOG)
	$(BIN)/mentum identify $(DEMO)/model $(DEMO)/specimens/images --out $(DEMO)/identifications.csv --log $(LOG)
	@echo "Written: $(DEMO)/run (report.html, run.json, evaluation.json, characters.json, figures/), $(DEMO)/model, $(DEMO)/identifications.csv"

test: setup
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

fuzz: setup
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m fuzz $(FUZZ_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_docs.py

clean:
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .hypothesis
