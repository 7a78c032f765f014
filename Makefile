# The chores of the farm. `make install` first; everything happens in $(VENV) and changes nothing outside of it.
PYTHON ?= python3
VENV ?= .venv
IN = $(VENV)/bin/python
# A process of tests for each processor; the tests of a file share servers and what they compile, and stay together.
# In which order files are begun, tests/conftest.py says.
SEVERAL = -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: install demo test test-py39 test-gpu lint bench clean

install: $(VENV)/product $(VENV)/tools

# Each again when pyproject.toml has changed.
$(VENV)/product: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("farm needs Python 3.11 or newer here: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(IN) -m pip install -q 'pip>=25.1'
	$(IN) -m pip install -q -e '.[coordinator,worker,host,video,containers]'
	@touch $@

$(VENV)/tools: $(VENV)/product
	$(IN) -m pip install -q --group test --group lint
	@touch $@

# A whole farm, a real model, one engine; stops everything it started.
demo: $(VENV)/product
	VENV=$(VENV) bash deploy/demo.sh

test: test-py39
	$(IN) -m pytest $(SEVERAL)

# What runs on devices, on the oldest interpreter that can be had.
test-py39: install
	python39=$$($(IN) -m tests.support.python39) && $$python39 -m pytest -q $(SEVERAL) tests/farm tests/worker --ignore=tests/worker/host --ignore=tests/farm/backends/tensorrt/bindings

# On a machine with a card: `make test-gpu IN=python3`, where that Python imports tensorrt and pytest.
test-gpu:
	$(IN) -m pytest -q tests/gpu

lint: install
	$(IN) -m ruff check
	$(IN) -m ruff format --check
	$(IN) -m mypy
	$(VENV)/bin/hadolint docker/*.Dockerfile

bench: install
	$(IN) -m tests.bench

clean:
	rm -rf $(VENV) build dist *.egg-info
