# Works with GNU make 3.81 (macOS) and later.
.DEFAULT_GOAL := help
.PHONY: help demo ui test uncompiled coverage lint types format lock bench kernels error-rates docs screenshots clean

UV_VERSION := 0.13.9
BIN := .venv/bin
# The first Python on the path that the package supports; `make PYTHON=/path/to/python3 ...` overrides it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: .venv/.installed ## Install, then run the whole job on a synthetic market
	@$(BIN)/poc demo

ui: .venv/.installed ## Serve the app on this machine (ARGS="--port 8600" passes options)
	@$(BIN)/poc ui $(ARGS)

test: .venv/.installed ## Run the tests (ARGS="-k name" passes options to pytest)
	@$(BIN)/python -m pytest --numprocesses auto $(ARGS)

# With its kernels as plain Python the engine has to agree with the slow reference too, for every field but those that
# only choose rows or days, are worked out after the kernels, or are a number on a path that others take.
OTHERS := lag or gmv or tc_bps or tc_power or borrow_bps or random or start or end or universe or min_ or caps or \
	sample or benchmark or factor_model
uncompiled: .venv/.installed ## Hold the engine to the slow reference, not compiled
	@env -u CI -u POC_REAL_DATA NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest --quiet --numprocesses auto \
		-k "not ($(OTHERS))" $(ARGS) tests/engine/test_against_reference.py

coverage: .venv/.installed ## Measure how much of the code the tests run (compiled kernels cannot be traced); at least 90%
	@$(MAKE) test ARGS="--cov --cov-report= --cov-fail-under=0"
	@$(MAKE) uncompiled ARGS="--cov --cov-append --cov-report= --cov-fail-under=0"
	@$(BIN)/coverage report

lint: .venv/.installed ## Check style, formatting, the directions between rooms and the declared dependencies
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry poc

types: .venv/.installed ## Check the types
	@$(BIN)/mypy --num-workers auto

format: .venv/.installed ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: .venv/.installed ## Resolve the dependencies of pyproject.toml anew into requirements.lock
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras --quiet pyproject.toml -o requirements.lock

bench: .venv/.installed ## Time the suite at three sizes, beside yardsticks and peers, into benchmarks/RESULTS.md (ARGS="--sizes S M")
	@$(BIN)/python benchmarks/run.py --root .bench $(ARGS)

kernels: .venv/.installed ## List the kernels that a second process compiles in a first run, after a change of one
	@$(BIN)/python benchmarks/kernels.py --root .bench

error-rates: .venv/.installed ## Measure how often the verdict is wrong, into docs/error-rates.md (ARGS="--quick"; an hour, resumable)
	@$(BIN)/python -m benchmarks.verdict.run $(ARGS)

docs: .venv/.installed ## Run the demo and put its output into the README
	@$(BIN)/python docs/refresh.py

screenshots: .venv/.installed ## Run the demo and take the pictures of the app and the tear sheet in the README (needs Chromium)
	@$(BIN)/python -m docs.screenshots

clean: ## Remove what the tools have made, .venv too; snapshots and runs stay
	@rm -rf .venv dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find poc tests -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs the lock in seconds; where it cannot be had, pip does the same in minutes.
.venv/.installed: pyproject.toml requirements.lock
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11, 3.12 or 3.13 is needed, and none is on the path (python3 is \
	$$(python3 --version 2>&1 || true)). Install one, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment. \
	On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv ..."
	@$(PYTHON) -m venv .venv
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) 2>/dev/null; then \
		export VIRTUAL_ENV=.venv && $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock && \
		$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .; \
	else \
		echo "uv cannot be had; pip takes a few minutes instead." && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@
