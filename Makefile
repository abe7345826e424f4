# Two commands matter: `make drill` and `make test`. Both set up what they need in .venv first.
.DEFAULT_GOAL := help
.PHONY: help setup drill drill-releases report test lint types layers tests bench selfcheck torture lock clean

# Drills and tests start hundreds of processes, each of which would compile what it imports anew: twice the time.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# More than there are cores: half of what a test takes is waiting.
WORKERS ?= 3
# Arguments of python -m torture, such as: --within 900.
TORTURE ?=

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 10

setup: $(STAMP)  ## install everything into .venv

$(STAMP): requirements.lock pyproject.toml src/muster/report/html/npm/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "muster needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m muster.report.html.install || echo "drills run all the same, and leave no report.html" >&2
	@touch $@

drill: setup  ## rehearse: every drill of an emergency on the embedded cluster
	@set -- "not test_release"; \
	command -v prometheus >/dev/null && command -v prometheus-alertmanager >/dev/null || \
	  { echo "left out: detection, as Prometheus and its Alertmanager are not installed" >&2; set -- "$$1 and not detection"; }; \
	$(BIN)/muster run drills -k "$$1"; code=$$?; $(BIN)/muster report; exit $$code

drill-releases: setup  ## rehearse releases: good ones, bad ones, and the way back in trouble
	@$(BIN)/muster run drills/test_release.py; code=$$?; $(BIN)/muster report; exit $$code

report: setup  ## make the report of the latest run again: reports/report.html
	@$(BIN)/muster report

test: lint types layers tests  ## lint, types, layers and the tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/shellcheck ci/lib.sh ci/pull-request ci/nightly ci/instrument ci/scheduled ci/release-gate .ci/run

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

tests: setup
	$(BIN)/pytest tests -n $(WORKERS) --dist worksteal --dear 80 --sabotages 2 --long 1 --durations 15 --durations-min 2

bench: setup  ## print the figures: start-up, throughput, wall time of the drills
	$(BIN)/python -m bench

selfcheck: setup  ## check the instrument: known outages, faults that do nothing, sabotages, a late node, diagnoses (about 40 min)
	$(BIN)/python -m selfcheck

torture: setup  ## ask further: all that make test draws from, ten times the examples, what strikes killed 250 times
	$(BIN)/pytest tests -n 2 --dist worksteal --durations 15
	$(BIN)/pytest tests -m hypothesis --hypothesis-profile thorough -n 2 --dist worksteal
	$(BIN)/pytest tests/embedded/api/test_fuzz.py --fuzz 100000
	$(BIN)/python -m torture $(TORTURE)

lock:  ## resolve the dependencies again (records no addresses)
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --no-header \
	  pyproject.toml -o requirements.lock
	echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate -c requirements.lock pyproject.toml - -o deploy/image.lock

clean:  ## stop what is up, and remove everything but the sources and reports/
	test ! -x $(BIN)/muster || $(BIN)/muster down
	rm -rf .muster chaostoolkit.log journal.json
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
