"""Generated TypeScript clients: compile them strictly, and register a user with each."""

import shutil

import pytest

from tests.generators.programs import CALLS, DOCUMENT, NODE_MODULES, openapi_generator, run

pytestmark = pytest.mark.generators
STRICT = ("--strict", "--noEmitOnError", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")
COMMANDS = {
    "hey_api": ("openapi-ts", "-i", DOCUMENT, "-o", "."),
    "openapi_typescript": ("openapi-typescript", DOCUMENT, "-o", "schema.ts"),
    "orval": ("orval", "--input", DOCUMENT, "--output", "api.ts"),
    "swagger_typescript_api": ("swagger-typescript-api", "generate", "-p", DOCUMENT, "-o", "."),
}
RUN = "require('./out/call.js').call(...process.argv.slice(1)).then(console.log)"


def compile_and_call(folder, name, url, account):
    """Return what the client prints after it has registered a user."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    shutil.copy(CALLS / f"{name}.ts", folder / "call.ts")
    modules = ("--module", "node16", "--moduleResolution", "node16")
    run(folder, "tsc", *STRICT, *modules, "--outDir", "out", "call.ts")
    return run(folder, "node", "-e", RUN, url, *account).strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_client_compiles_strictly_and_registers_a_user(tmp_path, server, account, name):
    run(tmp_path, *COMMANDS[name])

    assert compile_and_call(tmp_path, name, server.url, account) == account[0]


def test_openapi_generator_compiles_strictly_and_registers_a_user(tmp_path, server, account):
    openapi_generator(tmp_path, "typescript-fetch")

    assert compile_and_call(tmp_path, "typescript_fetch", server.url, account) == account[0]
