# Everything a contributor does here is a task of this file; `make` lists them.
# Needs make and Python 3.11 or newer, nothing else: the rest is installed into .venv by `make setup`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

READY := .venv/.ready
# The plugins are found by name, as Meltano looks for them, and state and logs stay out of the home directory; what
# Meltano and the plugins write is for this user alone.
RUN := umask 077 && PATH="$(CURDIR)/.venv/bin:$$PATH" XDG_STATE_HOME="$(CURDIR)/.meltano/xdg"

# A copied or moved checkout carries a .venv that points to the old place: make it anew.
ifneq ($(strip $(shell cat $(READY) 2>/dev/null)),$(strip $(CURDIR)))
.PHONY: $(READY)
endif

.PHONY: help
help: ## list these tasks
	@awk -F ':[^#]*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

$(READY): pyproject.toml constraints.txt
	@sh .ci/setup

.PHONY: setup
setup: $(READY) ## install everything into .venv (the other tasks do it by themselves)
	@echo ".venv is ready"

.PHONY: demo
demo: $(READY) ## move bills between stand-ins, nothing leaves this machine; PAIR=business-central-bill shows another pair
	@$(RUN) .venv/bin/erp-sandbox demo --pair $(or $(PAIR),bill-workday)

.PHONY: demo-again
demo-again: $(READY) ## run the demo once more on what it left behind: nothing is posted twice
	@$(RUN) .venv/bin/erp-sandbox demo --again --pair $(or $(PAIR),bill-workday)

.PHONY: test
test: $(READY) ## run the tests: unit, plugin, contract, end to end, chaos, docs; COLD=1 starts programs as they are installed
	@$(RUN) .venv/bin/pytest -n 3 --dist worksteal -m "not long"

.PHONY: test-long
test-long: $(READY) ## run the tests that take minutes each: 1,000 bills, 25 kills, benchmarks, commands of the guides
	@$(RUN) .venv/bin/pytest -m long

.PHONY: test-fast
test-fast: $(READY) ## run the tests that take milliseconds each
	@$(RUN) .venv/bin/pytest -n 2 -m "not slow and not contract and not e2e and not chaos and not long"

.PHONY: attack
attack: $(READY) ## attack receiver and tools as strangers would, also for the minutes a flood takes
	@sh .ci/nginx >/dev/null || true
	@$(RUN) .venv/bin/pytest -q tests/security

.PHONY: fuzz
fuzz: $(READY) ## give each target 20,000 records made bad at random (RECORDS=, SEED= repeats a run)
	@$(RUN) FUZZ_RECORDS=$(or $(RECORDS),20000) FUZZ_SEED=$(SEED) .venv/bin/pytest -q -s tests/targets/test_fuzz.py

.PHONY: lint
lint: $(READY) ## check style, format, types, and who imports whom
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/mypy docs/generate.py
	@.venv/bin/lint-imports

.PHONY: format
format: $(READY) ## format the code and mend what can be mended mechanically
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

.PHONY: docs
docs: $(READY) ## write the reference pages anew from the code
	@.venv/bin/python docs/generate.py

.PHONY: docs-check
docs-check: $(READY) ## fail when a reference page differs from the code
	@.venv/bin/python docs/generate.py --check

.PHONY: bench
bench: $(READY) ## measure the flows against the sandbox
	@$(RUN) .venv/bin/python benchmarks/run.py

.PHONY: constraints
constraints: $(READY) ## pin in constraints.txt what is new in pyproject.toml; UPGRADE=1 pins everything anew
	@sh .ci/constraints $(if $(UPGRADE),--upgrade)

.PHONY: audit
audit: $(READY) ## look for known holes in what is pinned, and for secrets in the tree; needs no network
	@$(RUN) .venv/bin/pytest -q tests/security/test_supply_chain.py

.PHONY: release
release: $(READY) ## build dist/: wheel, source, hashed requirements, bill of materials (CycloneDX), licences
	@rm -rf dist
	@.venv/bin/python -m hatchling build >/dev/null
	@.venv/bin/python .ci/materials.py dist

.PHONY: clean
clean: ## remove .venv, the demo and all caches; keeps ledger, state and .env
	@rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
