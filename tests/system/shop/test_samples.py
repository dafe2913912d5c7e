"""The samples of every operation, in every language, against the running service."""

import ast
import json
import shutil
import subprocess
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, func
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models.account_tokens import TokenPurpose
from models.users import User
from services import account_tokens
from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tests.support.openapi import composed, faults, operations_of
from tests.support.samples import COMMANDS, Caller
from tests.support.servers import BASE, ROOT

NAMES = [op.name for op in operations_of(json.loads((ROOT / "docs" / "openapi.json").read_text()))]
NODE = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
LANGUAGES = ["Shell", "Python", pytest.param("TypeScript", marks=NODE)]
TSC = ROOT / "clients" / "typescript" / "node_modules" / ".bin" / "tsc"
READ = {"Shell": json.loads, "Python": ast.literal_eval}


@pytest.fixture(scope="module")
def served_document(server):
    return httpx.get(f"{server.url}/api/openapi.json").json()


@pytest.fixture(scope="module")
def admin(server):
    with server.signed_in(ADMIN, ADMIN_PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def engine(server):
    url = make_url(server.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def caller(admin, served_document, engine):
    """Return a new administrator with the documented password."""
    schemas = served_document["components"]["schemas"]
    password = composed(schemas["Credentials"], schemas)["password"]
    account = {"email": f"{uuid4().hex}@example.com", "password": password}
    user = admin.post("/api/auth/register", json=account).json()
    admin.patch(f"/api/users/{user['id']}", json={"role": "admin"}).raise_for_status()
    with Session(engine) as session, session.begin():
        session.get(User, user["id"]).email_verified_at = func.now()
    tokens = admin.post("/api/auth/login", json=account).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    def new_token(purpose: TokenPurpose) -> str:
        with Session(engine) as session, session.begin():
            return account_tokens.create(session, user["id"], purpose, account["email"])

    with httpx.Client(base_url=admin.base_url, headers=headers, timeout=30) as client:
        operations = operations_of(served_document)
        yield Caller(client, account["email"], password, tokens, operations, schemas, new_token)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_sample_succeeds_and_prints_the_response(caller, served_document, name, language):
    (operation,) = [each for each in caller.operations if each.name == name]

    done = caller.run(operation, language)

    assert done.returncode == 0, done.stdout + done.stderr
    (response,) = operation.successes.values()
    if "content" in response and language in READ:
        schema = response["content"]["application/json"]["schema"]
        assert faults(schema, READ[language](done.stdout), served_document) == []


def test_every_operation_has_a_sample_in_each_language(served_document):
    for operation in operations_of(served_document):
        languages = [sample["lang"] for sample in operation.doc["x-codeSamples"]]
        assert languages == list(COMMANDS), operation.name
    assert [operation.name for operation in operations_of(served_document)] == NAMES


@pytest.mark.parametrize("language", LANGUAGES)
def test_sample_fails_and_shows_the_problem_without_a_token(served_document, language):
    """A sample must not exit with status 0 after an error response."""
    operations = [op for op in operations_of(served_document) if not op.public]
    samples = {sample["lang"]: sample["source"] for sample in operations[0].doc["x-codeSamples"]}

    done = subprocess.run(
        [*COMMANDS[language], samples[language]],
        env={**BASE, "TOKEN": "bad"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "401" in done.stdout + done.stderr


@pytest.mark.clients
@pytest.mark.skipif(not TSC.exists(), reason="run make clients first")
def test_typescript_samples_have_no_type_errors(served_document):
    folder = TSC.parents[2] / "dist" / "samples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for operation in operations_of(served_document):
        (source,) = [
            s["source"] for s in operation.doc["x-codeSamples"] if s["lang"] == "TypeScript"
        ]
        (folder / f"{operation.name}.ts").write_text(source)

    options = "--noEmit --strict --target ES2022 --module NodeNext --moduleDetection force"
    command = [TSC, *options.split(), "--types", "node", *folder.iterdir()]
    done = subprocess.run(command, cwd=TSC.parents[2], env=BASE, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
