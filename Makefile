# Provenance: `make help` lists the targets. Everything that is installed goes into .venv and, for the types of the page, node_modules.
# PYTHON=python3.12 make test    chooses the interpreter that .venv is made from (3.10 to 3.13).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready-dev
DEMO_READY := $(VENV)/.ready-demo
SPECS := pyproject.toml requirements.txt constraints-dev.txt
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --no-input -c constraints-dev.txt
RUN := PYTHONDONTWRITEBYTECODE=1 $(PY)

.PHONY: help demo serve test coverage fuzz soak lint types format screenshots bench benchfull clean distclean

help:  ## list the targets
	@awk -F ':.*##' '/^[a-z]+:.*##/ {printf "  make %-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A .venv that is already there is used as it is.
$(PY):
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info[:2]; print("" if ok else "Python 3.10 or newer is needed, this is " + sys.version.split()[0] + ". Choose another with: make PYTHON=python3.12 ..."); sys.exit(not ok)' \
		|| { command -v "$(PYTHON)" >/dev/null || echo "$(PYTHON) is not installed. Choose another with: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv module. Debian and Ubuntu keep it in a package of its own: python3-venv"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(DEMO_READY): $(SPECS) | $(PY)
	@echo "installing what the demo needs into $(VENV)"
	@$(PIP) -e '.[demo]'
	@touch $@

$(READY): $(SPECS) | $(PY)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) -e '.[demo,dev]'
	@touch $@ $(DEMO_READY)

demo: $(DEMO_READY)  ## a scripted session through the real queue: runs, lineage, verification
	@$(BIN)/comfy-provenance demo

serve: $(DEMO_READY)  ## the same in the browser: the real ComfyUI page on the embedded host
	@$(RUN) -m comfy_provenance.demo.serve

test: $(READY)  ## every test this machine can run; what was skipped is named, with the reason
	@failed=0; \
	$(RUN) -m pytest || failed=1; \
	if command -v node >/dev/null && [ "$$(node -p 'parseInt(process.versions.node)')" -ge 20 ]; then \
		node --test tests/web/*.test.js || failed=1; \
	else \
		echo "SKIPPED tests/web/*.test.js: Node.js 20 or newer is not installed"; \
	fi; \
	exit $$failed

FUZZ_SECONDS ?= 60

fuzz: $(READY)  ## a fuzzer at every door for bytes from outside, FUZZ_SECONDS at each
	@$(PIP) -e '.[fuzz]'
	@$(RUN) -m tests.fuzz $(FUZZ_SECONDS)

# What evidence rests on, and the tests that speak of nothing else. CONTRIBUTING.md tells how to keep it whole.
EVIDENCE := provenance/canonical.py,provenance/shelf.py,provenance/seal/*,provenance/verify/*,provenance/store/ledger.py
EVIDENCE_TESTS := tests/unit/test_canonical.py tests/unit/test_shelf.py tests/unit/seal tests/unit/verify tests/attacks tests/store tests/dossier

coverage: $(READY)  ## every branch of what evidence rests on; fails below 100 %
	@$(RUN) -m coverage run --source=provenance -m pytest -q $(EVIDENCE_TESTS)
	@$(PY) -m coverage report --show-missing --skip-covered --fail-under=100 --include='$(EVIDENCE)'

soak: $(READY)  ## the tests that take long: hundreds of kills, thousands of runs
	@$(RUN) -m pytest -m soak

lint: $(READY)  ## style, formatting, types and import rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(MAKE) --no-print-directory types
	@$(RUN) -m pytest -q tests/test_architecture.py tests/test_repository.py

# The type checker and ComfyUI's published types, two packages without scripts of their own, go into node_modules.
types:  ## types of the page's scripts, against the types that ComfyUI's frontend publishes
	@if ! command -v npm >/dev/null || [ "$$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then \
		echo "SKIPPED types of web/: Node.js 20 or newer with npm is not installed"; \
	elif [ node_modules/.package-lock.json -nt package-lock.json ] \
		|| npm ci --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 >node_modules.log 2>&1; then \
		rm -f node_modules.log; \
		node node_modules/typescript/bin/tsc -p tsconfig.json && echo "types of web/: no errors"; \
	elif grep -qE 'EAI_AGAIN|ENOTFOUND|ECONN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET|ENOTCACHED|E40[134]|E5[0-9][0-9]' node_modules.log; then \
		echo "SKIPPED types of web/: npm cannot reach its registry ($$(grep -m1 -oE '(code|errno) E[A-Z_0-9]+' node_modules.log))"; \
		rm -f node_modules.log; \
	else \
		cat node_modules.log; exit 1; \
	fi

format: $(READY)  ## rewrite the sources in the house style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

screenshots: $(READY)  ## the pictures of the tab for the README, in both themes and languages
	@$(RUN) tests/web/screenshots.py

BENCHES := hooks record verify dossier size "queries --sizes 10000 100000" "rebuild --runs 5000" fingerprints overhead
FULL := hooks record verify dossier size "queries --sizes 10000 100000 1000000" "rebuild --runs 100000" "fingerprints --megabytes 4096" overhead peers
measure = @for bench in $(1); do \
		set -- $$bench; script=bench/$$1.py; shift; \
		echo "== $$script $$*"; $(RUN) $$script "$$@" --out .bench || exit 1; \
	done

bench: $(READY)  ## measure the cost of recording: some minutes, tables here and JSON in .bench
	$(call measure,$(BENCHES))

benchfull: $(READY)  ## the same with a million runs, 4 GiB of models, and other tools beside it
	$(call measure,$(FULL))

clean:  ## remove what the tools leave behind; keeps .venv
	@rm -rf build dist node_modules.log .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov .demo
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@rm -rf ./*.egg-info

distclean: clean  ## clean, and remove .venv and node_modules
	@rm -rf $(VENV) node_modules
