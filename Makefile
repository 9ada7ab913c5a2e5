PYTHON ?= python3
BIN := .venv/bin
HOUSEHOLDS ?= 200000
export NO_MKDOCS_2_WARNING := 1

.PHONY: setup demo test bench bench-plots large agreement mutants golden docs serve soak clean

# make .venv and install policykit into it with every extra but Spark
setup: .venv/.installed

.venv/.installed: pyproject.toml
	@echo "installing into .venv, a few minutes the first time"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# evaluate one household and print the explanation with its quoted clauses
demo: setup
	@$(BIN)/policykit evaluate examples/c01-whole-household.json --on 2020-06-10 --parameters policies/parameters/ps1.rules

# everything that must hold before a change is offered
test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/policykit check policies/
	$(BIN)/policykit fmt --check policies/ examples/
	$(BIN)/pytest -n 2
	$(BIN)/mkdocs build --strict

# how long one household takes and how long a register, against the same rules by hand and by others; some minutes
bench: .venv/.bench
	@$(BIN)/python -m benchmarks.w1
	@$(BIN)/python -m benchmarks.w2 $(HOUSEHOLDS)
	@$(BIN)/python -m benchmarks.check

# draw what the benchmarks last measured, for the documentation
bench-plots: .venv/.bench
	@$(BIN)/python -m benchmarks.plots

# others that the benchmarks measure against are installed for them alone
.venv/.bench: .venv/.installed
	@echo "installing what the benchmarks compare with, a few minutes the first time"
	@$(BIN)/python -m pip install --quiet --editable '.[dev,bench]'
	@touch $@

# the large counts: random inputs, brute force, agreement
large: setup
	POLICYKIT_LARGE=1 $(BIN)/pytest -n 2 -m large

# engines against each other on N drawn households, a million unless N says otherwise; seeds and counts are printed
agreement: setup
	$(BIN)/python tests/agreement.py $(or $(N),1000000)

# change the rules one thing at a time: which changes does no case notice
mutants: setup
	$(BIN)/policykit test --mutants

# record golden files and generated pages anew; read the diff before you commit it
golden: setup
	POLICYKIT_GOLDEN=1 $(BIN)/pytest -m golden

# build the documentation into site/
docs: setup
	$(BIN)/mkdocs build --strict

# show the documentation at http://127.0.0.1:8000 and follow edits
serve: setup
	$(BIN)/mkdocs serve

# ten times the large counts; run by hand, write down the result with its date
soak: setup
	POLICYKIT_LARGE=10 $(BIN)/pytest -n 2 -m large

# remove .venv and everything that was built
clean:
	rm -rf .venv build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
