"""Generated Python clients and models: check their types, and register a user with each client."""

import shutil

import httpx
import pytest

from tests.generators.programs import CALLS, DOCUMENT, openapi_generator, run

pytestmark = pytest.mark.generators


def call(folder, name, url, account):
    shutil.copy(CALLS / f"{name}.py", folder / "call.py")
    return run(folder, "python", "-W", "error", "call.py", url, *account).strip()


def test_openapi_generator_passes_its_own_type_check_and_registers_a_user(
    tmp_path, server, account
):
    openapi_generator(tmp_path, "python")
    run(tmp_path, "mypy", "openapi_client")

    assert call(tmp_path, "openapi_generator", server.url, account) == account[0]


def test_openapi_python_client_passes_mypy_strict_and_registers_a_user(tmp_path, server, account):
    run(tmp_path, "openapi-python-client", "generate", "--path", DOCUMENT)
    (project,) = tmp_path.iterdir()
    run(project, "mypy", "--strict", "flask_api_service_client")

    assert call(project, "openapi_python_client", server.url, account) == account[0]


def test_datamodel_code_generator_makes_models_that_accept_a_response(tmp_path, server, account):
    run(tmp_path, "datamodel-codegen", "--input", DOCUMENT, "--output", "models.py")
    email, password = account
    body = {"email": email, "password": password}
    user = httpx.post(f"{server.url}/api/auth/register", json=body).text
    parse = "import models, sys; print(models.User.model_validate_json(sys.argv[1]).email)"

    assert run(tmp_path, "python", "-W", "error", "-c", parse, user).strip() == email
