# The commands of this project, by name. .ci/run runs the same recipes; CONTRIBUTING.md explains them.
.PHONY: serve test check fix frontend proofs benchmarks

SCALE = 1

serve: # as README.md has it; a test compares the two
	python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/finwise serve

test: # as README.md has it; a test compares the two
	python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest --cov -n auto --dist worksteal

check: .venv
	.venv/bin/pip install -q -e '.[test,benchmarks,dev]'
	.venv/bin/ruff format --check && .venv/bin/ruff check && .venv/bin/mypy && .venv/bin/codespell

fix: .venv
	.venv/bin/ruff format && .venv/bin/ruff check --fix

frontend: # browser tests are skipped if Chromium is missing
	cd frontend && npm ci && npm run format:check && npm run lint && npm run check && npm run check:page && npm test && npm run check:package && npm run test:browser

proofs: .venv # SCALE=20: the long lane
	.venv/bin/pip install -q -e '.[test,proofs]' && .venv/bin/python -m proofs --scale $(SCALE)

benchmarks: .venv
	.venv/bin/pip install -q -e '.[benchmarks]' && .venv/bin/python -m benchmarks --smoke

.venv:
	python3 -m venv .venv
