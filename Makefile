# foldvote: `make demo` shows it, `make test` checks it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CORE   := $(VENV)/.core
DEMO   := runs/demo
SAMPLE ?= data/sample
export RAY_USAGE_STATS_ENABLED := 0
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: help setup demo test test-slow torture check format

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(STAMP)  ## virtual environment with the tested versions and all tools

define install
	@echo "installing into $(VENV): a few minutes and about 7 GB, nearly all of it torch with its GPU libraries"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.$(1)'
endef

$(STAMP): pyproject.toml constraints.txt
	$(call install,[dev])
	touch $@

# What README's own commands installed does.
$(CORE): pyproject.toml constraints.txt
	@if test ! -e $@ -a -x $(BIN)/foldvote; then touch $@; else $(MAKE) --no-print-directory core; fi

.PHONY: core
core:
	$(call install)
	touch $(CORE)

check: setup  ## style, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup  ## the tests that run at every change; about seven minutes on two cores
	$(BIN)/python -m pytest -m 'not slow and not torture' --durations=15 -n 2 --dist loadfile

test-slow: setup  ## the others: whole searches on Ray, kills, exports, pages in a browser
	$(BIN)/python -m pytest -m slow --durations=15 -n 2 --dist loadfile --no-loadscope-reorder

torture: setup  ## kill searches at every named point, and strike forty times at random
	FOLDVOTE_KILLS=40 $(BIN)/python -m pytest -s tests/search/test_kill.py tests/search/test_torture.py

demo: $(if $(wildcard $(STAMP)),$(STAMP),$(CORE))  ## sample data, search, ensemble, submission; into runs/demo
	test -d $(SAMPLE) || $(BIN)/foldvote sample $(SAMPLE) --people 200 --eval-people 150
	$(BIN)/foldvote search demo --data $(SAMPLE) $(if $(wildcard $(DEMO)/experiment.json),--resume)
	test -f $(DEMO)/ensembles/auto/ensemble.json || $(BIN)/foldvote build $(DEMO)
	$(BIN)/foldvote truth $(DEMO) $(SAMPLE)/eval/answers.csv

format: setup  ## let ruff lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
