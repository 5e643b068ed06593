# Provenance: `make help` lists the targets. Everything that is installed goes into .venv; nothing else is touched.
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

.PHONY: help demo serve test soak lint format bench clean distclean

help:  ## list the targets
	@awk -F ':.*##' '/^[a-z]+:.*##/ {printf "  make %-10s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

soak: $(READY)  ## the tests that take long: hundreds of kills, thousands of runs
	@$(RUN) -m pytest -m soak tests/soak

lint: $(READY)  ## style, formatting, types and import rules
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(RUN) -m pytest -q tests/test_architecture.py tests/test_repository.py

format: $(READY)  ## rewrite the sources in the house style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(READY)  ## measure the cost of recording
	@for bench in hooks record verify size queries overhead; do bench=bench/$$bench.py; echo "== $$bench"; $(RUN) $$bench || exit 1; done

clean:  ## remove what the tools leave behind; keeps .venv
	@rm -rf build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov .demo
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@rm -rf ./*.egg-info

distclean: clean  ## clean, and remove .venv
	@rm -rf $(VENV)
