# The same commands as run.py, for those who have make.
PYTHON ?= python3

.PHONY: demo test check bench audit docs clean
demo test check bench audit docs:
	$(PYTHON) run.py $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
