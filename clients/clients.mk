# The API clients, and other generators: generate and test. The Makefile of the project includes this file.

TYPESCRIPT := $(if $(shell command -v npm),client-typescript,client-without-node)
GENERATORS := $(if $(shell command -v npm),tests/generators/node_modules/installed)

.PHONY: clients test-clients test-generators clean-clients client-python client-typescript client-without-node

clients: client-python $(TYPESCRIPT) ## Generate the Python and the TypeScript client from docs/openapi.json

test-clients: clients ## Check the types of both clients, and test them against the service
	cd clients/python && ../../$(BIN)/mypy
	@$(BIN)/pytest $(PARALLEL) -m clients -rs tests/system $(ARGS)

test-generators: $(STAMP) .venv-generators/installed $(GENERATORS) ## Generate, compile and call clients with ten other generators
	@$(BIN)/pytest -m generators -rs tests/generators $(ARGS)

client-python: $(STAMP) docs/openapi.json
	@PATH=$(abspath $(BIN)):$$PATH $(BIN)/python -m openapi_python_client generate --path docs/openapi.json --overwrite \
		--meta none --output-path clients/python/flask_api_client/generated \
		--config clients/python/generator.yaml --fail-on-warning

client-typescript: docs/openapi.json clients/typescript/node_modules/installed
	@cd clients/typescript && npm run --silent build

client-without-node:
	@echo "Node is not installed: the TypeScript client is not generated."

clients/typescript/node_modules/installed: clients/typescript/package-lock.json
	cd clients/typescript && npm ci --silent --no-audit --no-fund
	@touch $@

tests/generators/node_modules/installed: tests/generators/package-lock.json
	npm ci --prefix tests/generators --silent
	@touch $@

.venv-generators/installed: tests/generators/requirements.txt
	$(PYTHON) -m venv --clear .venv-generators
	.venv-generators/bin/python $(INSTALL_LOCKED) -r $<
	@touch $@

clean-clients:
	rm -rf .venv-generators tests/generators/node_modules
	rm -rf clients/python/flask_api_client/generated clients/python/build clients/python/*.egg-info
	rm -rf clients/typescript/node_modules clients/typescript/dist clients/typescript/src/schema.ts
