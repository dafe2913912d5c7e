# `make` prints the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# `make run` needs fewer packages than the other targets. Use the complete environment if it exists.
RUNNABLE := $(or $(wildcard $(STAMP)),.venv/runnable)
SOURCE := app commands resources schemas services models alembic tools bench clients/python tests docker helm gunicorn.conf.py
IMAGE ?= flask-api:latest
# The docker client can be installed without a running engine, so `info` is the test.
ENGINE ?= $(shell for tool in docker podman buildah; do $$tool info >/dev/null 2>&1 && echo $$tool && break; done)

NODE := tools/node/node_modules
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
# The locks are complete. See tools/install.py for the reason for --no-deps.
INSTALL_LOCKED := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
# Placeholders: writing the document needs no database and no secret.
DOCUMENTED := FLASK_ENV=testing SECRET_KEY=unused DATABASE_URL=postgresql://localhost/unused

# Files in the order of collection: the short unit tests come last and keep all processes busy.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder
# Without the tests whose result does not depend on the version of PostgreSQL or on PgBouncer.
MATRIX := not (fuzz or deploy or checkout or clients or generators or nightly)

.PHONY: help run dev shell admin new test coverage test-matrix test-deploy fuzz image chart bench-pages bench-growth bench-webhooks bench dashboard-picture openapi openapi-release screenshots lint lint-api api-linted api-unlinted format migration docs lock clean

help: ## Print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

run: $(RUNNABLE) ## Serve on http://localhost:5000, with an embedded PostgreSQL and demo data
	@$(BIN)/python -m tools.run

dev: $(RUNNABLE) ## Serve as make run, and restart the server when the code changes
	@$(BIN)/python -m tools.run --reload

shell: $(RUNNABLE) ## Open a Python shell with the models and a session, while make run runs
	@$(BIN)/flask shell

admin: $(RUNNABLE) ## Create an administrator, while make run runs: make admin EMAIL=ada@example.com
	@$(BIN)/flask users create-admin "$(EMAIL)"

new: $(STAMP) ## Write a renamed copy of the project: make new NAME=acme DIR=../acme [WITHOUT=shop]
	@$(BIN)/python -m tools.new "$(NAME)" "$(DIR)" "$(WITHOUT)"

test: $(STAMP) ## Run the tests, on embedded PostgreSQL and Redis-compatible servers
	@$(BIN)/pytest $(PARALLEL) $(ARGS)

coverage: $(STAMP) ## Run the tests, and check the coverage of the code
	@$(BIN)/pytest --cov $(PARALLEL) $(ARGS)

test-matrix: $(STAMP) ## Run the tests on PostgreSQL 15, and through PgBouncer
	@$(BIN)/pytest $(PARALLEL) --postgres=15 -m '$(MATRIX)' $(ARGS)
	@$(BIN)/pytest $(PARALLEL) --pgbouncer -m '$(MATRIX)' $(ARGS)

test-deploy: $(STAMP) .venv-checkov/installed ## Build the image, and test it with podman and the chart
	@$(BIN)/pytest $(PARALLEL) -m deploy tests/deploy $(ARGS)

fuzz: $(STAMP) ## Send generated requests to the service for some minutes
	@$(BIN)/pytest -m fuzz tests/system/fuzz $(ARGS)

chart: $(STAMP) .venv-checkov/installed ## Write the table of values in the chart's README, and test the chart with Helm 3 and 4
	@$(BIN)/python -m tools.chart_values
	@$(BIN)/pytest -m deploy tests/deploy -k test_chart $(ARGS)

bench-pages: $(STAMP) ## Measure page 10,000 and page 1 of a million orders (three minutes)
	@$(BIN)/python -m bench.pages

bench-growth: $(STAMP) ## Measure the growth of costs with orders, items and connections (nine minutes)
	@$(BIN)/python -m bench.growth

bench-webhooks: $(STAMP) ## Measure deliveries of webhooks, and what they cost orders (four minutes)
	@$(BIN)/python -m bench.webhooks

bench: $(STAMP) .venv-bench/installed ## Compare the service with a bare WSGI function, FastAPI and Litestar (five minutes)
	@$(BIN)/python -m bench.compare

dashboard-picture: $(STAMP) .venv-bench/installed ## Write the picture of the Grafana dashboard from real metrics (three minutes)
	@$(BIN)/python -m bench.dashboard

image: ## Build the container image with docker, podman or buildah
	@[ -n "$(ENGINE)" ] || { echo "Install docker, podman or buildah, and start its engine."; exit 1; }
	BUILDAH_FORMAT=docker $(ENGINE) build $(IMAGE_FLAGS) --tag $(IMAGE) \
		--build-arg VERSION=$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' app/version.py) \
		--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) .

openapi: $(STAMP) ## Write docs/openapi.json and docs/consumers/api-changelog.md
	@$(DOCUMENTED) $(BIN)/flask openapi write docs/openapi.json
	@$(BIN)/python -m tools.api_changelog

openapi-release: openapi ## Store docs/openapi.json as the document of the current version
	@$(BIN)/python -m tools.api_changelog release

screenshots: $(STAMP) ## Take screenshots of Swagger UI and ReDoc: light, dark and phone
	@$(BIN)/python -m tools.screenshots

lint-api: $(if $(shell command -v npm),api-linted,api-unlinted) ## Check docs/openapi.json with Redocly and Spectral, and the workflows with actionlint

api-linted: $(NODE)/installed
	@REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(NODE)/.bin/redocly lint --config tools/node/redocly.yaml docs/openapi.json
	@$(NODE)/.bin/spectral lint --ruleset tools/node/spectral.yaml --fail-severity warn docs/openapi.json
	@cd tools/node && node actionlint.mjs ../../.github/workflows/*.yml

api-unlinted:
	@echo "Node is not installed: docs/openapi.json and the workflows are not checked."

lint: $(STAMP) ## Check style, types and architecture
	$(BIN)/ruff check $(SOURCE)
	$(BIN)/black --check --quiet $(SOURCE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.plain_english
	@if [ -x $(BIN)/hadolint ]; then echo $(BIN)/hadolint Dockerfile; $(BIN)/hadolint Dockerfile; fi

format: $(STAMP) ## Format the code, and print the errors that need a manual fix
	$(BIN)/ruff check --fix-only $(SOURCE)
	$(BIN)/black $(SOURCE)
	$(BIN)/ruff check $(SOURCE)

migration: $(STAMP) ## Write a migration of the changed models: make migration NAME=suppliers
	@$(BIN)/python -m tools.migration "$(NAME)"

docs: $(STAMP) ## Write the served guides, and the tables of settings, chart values and benchmarks
	@$(BIN)/python -m tools.guides
	@$(BIN)/python -m tools.readme
	@$(BIN)/python -m tools.chart_values
	@$(BIN)/python -m bench.report

lock: $(STAMP) ## Lock the dependencies of the service, of make bench, of Checkov and of generators
	$(COMPILE) --extra tracing pyproject.toml -o requirements.txt
	$(COMPILE) --extra tracing --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(COMPILE) --extra tracing --extra run -c requirements-dev.txt pyproject.toml -o requirements-run.txt
	$(COMPILE) bench/requirements.in -o bench/requirements.txt
	$(COMPILE) tests/deploy/checkov.in -o tests/deploy/checkov.txt
	$(COMPILE) tests/generators/requirements.in -o tests/generators/requirements.txt

clean: clean-clients ## Remove the environment, the embedded database and all caches
	rm -rf .venv .venv-bench .venv-checkov $(NODE) .data .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage htmlcov

$(STAMP): requirements-dev.txt
.venv/runnable: requirements-run.txt
$(STAMP) .venv/runnable:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) tools/install.py $(firstword $(MAKECMDGOALS)) $<
	@touch $@

$(NODE)/installed: tools/node/package-lock.json
	npm ci --prefix tools/node --silent
	@touch $@

.venv-bench/installed: requirements.txt bench/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python $(INSTALL_LOCKED) -r requirements.txt -r bench/requirements.txt
	@touch $@

.venv-checkov/installed: tests/deploy/checkov.txt
	$(PYTHON) -m venv --clear .venv-checkov
	.venv-checkov/bin/python $(INSTALL_LOCKED) -r $<
	@touch $@

include clients/clients.mk
