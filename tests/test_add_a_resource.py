"""docs/developers/*.md: each code block works in a copy of the project."""

import re
import shutil

import pytest

from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tests.support.checkouts import copied, equipped, run, running
from tests.support.markdown import append, blocks, edit, section
from tests.support.servers import BASE, ROOT, free_port

NEW = ROOT / "models" / "suppliers.py"
pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(NEW.exists(), reason="this project has suppliers already"),
]
ADD = (ROOT / "docs" / "developers" / "add-a-resource.md").read_text()
EXTEND = (ROOT / "docs" / "developers" / "extend-a-resource.md").read_text()
FOLDERS = ["alembic/versions", "app", "helm", "models", "schemas", "services", "resources"]
FOLDERS += ["tests/api", "tests/unit/app"]
TEST = "tests/api/test_suppliers.py"
# Of the files that a section may have changed.
CHECKS = """
.venv/bin/ruff check {files}
.venv/bin/black --check {files}
.venv/bin/mypy
.venv/bin/lint-imports
"""
# For each section, the expected behavior.
EXPECTED = {
    "Filter the list": """
def test_filter_selects_by_name(as_admin):
    for name in ("A", "B"):
        as_admin.post("/api/suppliers", json={"name": name})

    items = as_admin.get("/api/suppliers?name=B").json["items"]

    assert [item["name"] for item in items] == ["B"]
""",
    "Add a scope": """
def test_scope_is_documented(document):
    assert document["paths"]["/api/suppliers"]["get"]["x-required-scope"] == "suppliers:manage"
""",
    "Add a setting": """
def test_setting_rejects_new_suppliers(make_app, admin):
    from tests.support.clients import ApiClient

    client = ApiClient(make_app(suppliers_closed=True)).signed_in(admin)

    assert client.post("/api/suppliers", json=POTTERS).status_code == 403
""",
    "Add a limit": """
def test_second_supplier_of_the_hour_is_a_429(make_app, admin):
    from tests.support.clients import ApiClient

    client = ApiClient(make_app(rate_limit_suppliers="1 per hour")).signed_in(admin)
    statuses = [client.post("/api/suppliers", json=POTTERS).status_code for _ in range(2)]

    assert statuses == [201, 429]
""",
    "Add PATCH and DELETE": """
def test_outdated_if_match_returns_412(as_admin):
    created = as_admin.post("/api/suppliers", json=POTTERS)
    url, headers = created.headers["Location"], {"If-Match": created.headers["ETag"]}

    assert as_admin.patch(url, json={"name": "A"}, headers=headers).json["name"] == "A"
    assert as_admin.patch(url, json={"name": "B"}, headers=headers).status_code == 412


def test_deleted_supplier_returns_404(as_admin):
    url = as_admin.post("/api/suppliers", json=POTTERS).headers["Location"]

    assert as_admin.delete(url, headers={"If-Match": '"0"'}).status_code == 412
    assert as_admin.delete(url).status_code == 204
    assert as_admin.get(url).status_code == 404
""",
    "Send something after the commit": """
def test_effect_runs_after_the_commit(as_admin):
    from loguru import logger

    lines = []
    sink = logger.add(lines.append, level="INFO")
    assert as_admin.post("/api/suppliers", json=POTTERS).status_code == 201
    logger.remove(sink)

    assert [line for line in lines if "Welcome, Potters & Sons" in line]
""",
    "Restrict suppliers to their owner": """
def test_supplier_of_another_user_returns_404(app, as_admin):
    from models.users import Role
    from tests.support.clients import ApiClient
    from tests.support.factories import UserFactory

    other = ApiClient(app).signed_in(UserFactory(role=Role.ADMIN))
    url = other.post("/api/suppliers", json=POTTERS).headers["Location"]

    assert as_admin.get(url).status_code == 404
    assert as_admin.get("/api/suppliers").json["items"] == []
""",
}


@pytest.fixture(scope="module")
def environment():
    # mypy reads what it knows about the unchanged files.
    return {**BASE, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache"), "PORT": str(free_port())}


@pytest.fixture(scope="module")
def project(environment):
    """Create a copy of the project with suppliers."""
    with copied() as copy:
        equipped(copy)
        follow(copy, environment, ADD)
        yield copy


@pytest.fixture
def fresh(project):
    """Return the same copy, and restore it after the test."""
    kept = project.parent / "kept"
    for folder in FOLDERS:
        shutil.copytree(project / folder, kept / folder)
    yield project
    for folder in FOLDERS:
        shutil.rmtree(project / folder)
        shutil.move(kept / folder, project / folder)
    shutil.rmtree(kept)


def follow(project, environment, page):
    """Apply the code blocks of a page, from top to bottom."""
    for block in blocks(page):
        file = project / block.path
        if block.language == "bash":
            run(project, environment, block.text)
        elif block.language == "diff":
            edit(file, block.text)
        elif file.exists():
            append(file, block.text)
        else:
            file.write_text(block.text)


class TestAdd:
    def test_resource_needs_five_new_files_and_at_most_three_edits(self):
        new = {block.path for block in blocks(ADD) if block.language == "python"}
        edited = {block.path for block in blocks(ADD) if block.language == "diff"}

        assert len(new) == 5
        assert not [path for path in new if (ROOT / path).exists()]
        assert len(edited) <= 3
        assert all((ROOT / path).exists() for path in edited)
        assert len(ADD.splitlines()) < 250

    def test_generated_migration_describes_its_operations(self, project):
        (path,) = project.glob("alembic/versions/*_suppliers.py")

        assert path.read_text().startswith('"""Create the table suppliers."""\n')

    def test_document_and_changelog_have_the_new_resource(self, project):
        assert "/api/suppliers/{supplier_id}" in (project / "docs/openapi.json").read_text()
        assert "POST /api/suppliers" in (project / "docs/consumers/api-changelog.md").read_text()

    def test_service_with_the_new_resource_responds(self, project, environment):
        with running(project, environment) as client:
            credentials = {"email": ADMIN, "password": ADMIN_PASSWORD}
            tokens = client.post("/api/auth/login", json=credentials).json()
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            created = client.post("/api/suppliers", json={"name": "Potters & Sons"}).json()

            assert client.get("/api/suppliers").json()["items"] == [created]


class TestExtend:
    def test_each_section_has_a_test(self):
        assert re.findall(r"^## (.*)$", EXTEND, re.MULTILINE) == list(EXPECTED)

    @pytest.mark.parametrize("heading", EXPECTED)
    def test_section_works_on_its_own(self, fresh, environment, heading):
        follow(fresh, environment, section(EXTEND, heading))
        with (fresh / TEST).open("a") as file:
            file.write(EXPECTED[heading])

        files = [*fresh.glob("*/suppliers.py"), fresh / "models/users.py"]
        run(fresh, environment, CHECKS.format(files=" ".join(map(str, files))))
        run(fresh, environment, f".venv/bin/pytest {TEST}")
