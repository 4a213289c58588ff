.PHONY: check format docs

check:  ## everything that must hold: format, lint, types, tests (which also compare the generated pages)
	ruff format --check
	ruff check
	mypy
	pytest

format:
	ruff format
	ruff check --fix

docs:  ## write docs/cli.md and docs/schema.md anew
	python docs/generate.py
