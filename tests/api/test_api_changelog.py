"""docs/openapi.json, docs/consumers/api-changelog.md, and the check for breaking changes."""

import json
from copy import deepcopy

import pytest

from app.version import __version__
from tools import api_changelog
from tools.api_changelog import (
    CHANGELOG,
    CURRENT,
    RELEASED,
    breaks,
    changelog,
    released_documents,
)


def released_as(version, document):
    return {**document, "info": {**document["info"], "version": version}}


@pytest.fixture(scope="module")
def document(document, shipped):
    """Return the document of `make openapi`; the served one has another server URL."""
    return {**document, "servers": shipped.extensions["openapi"].to_dict()["servers"]}


@pytest.fixture
def broken(document):
    """Return a document in which users have no name."""
    broken = deepcopy(document)
    user = broken["components"]["schemas"]["User"]
    user["required"].remove("name")
    del user["properties"]["name"]
    return broken


class TestCopy:
    def test_equals_the_served_document_without_samples(self, document):
        served = deepcopy(document)
        for path in served["paths"].values():
            for name in path.keys() - {"parameters"}:
                del path[name]["x-codeSamples"]

        assert json.loads(CURRENT.read_text()) == served, "make openapi writes it anew"

    def test_document_has_the_current_version(self):
        assert json.loads(CURRENT.read_text())["info"]["version"] == __version__

    def test_current_version_has_a_stored_document(self):
        assert (RELEASED / f"{__version__}.json").exists(), "make openapi-release keeps it"


class TestCompatibility:
    def test_current_document_is_compatible_with_the_last_release(self, document):
        assert breaks(released_documents(), document) == []

    def test_breaking_change_names_its_place(self, broken):
        told = breaks(released_documents(), broken)

        assert ("GET /api/users/me: 200: `application/json`: `name` is gone", True) in told

    def test_breaking_change_needs_a_new_major_version(self, broken):
        released = released_documents()
        major = int(released[-1]["info"]["version"].split(".")[0])
        broken["info"]["version"] = f"{major + 1}.0.0"

        assert breaks(released, broken) == []


class TestChangelog:
    def test_changelog_equals_the_generated_one(self, document):
        assert CHANGELOG.read_text() == changelog(released_documents(), document)

    def test_newest_changes_come_first_and_breaking_ones_are_marked(self, document, broken):
        extended = deepcopy(released_as("1.1.0", document))
        extended["components"]["schemas"]["User"]["properties"]["age"] = {"type": "integer"}
        broken["info"]["version"] = "2.0.0"

        text = changelog([released_as("1.0.0", document), extended], broken)

        at = [text.index(part) for part in ("## Not released yet", "## 1.1.0", "## 1.0.0")]
        assert at == sorted(at)
        assert (
            "- **Breaks clients.** GET /api/users/me: 200: `application/json`: `name` is gone.\n"
            in text
        )
        assert "- GET /api/users/me: 200: `application/json`: `age` is new.\n" in text


class TestCommand:
    @pytest.fixture
    def document(self, document):
        """Return the document with the version 1.0.0."""
        return released_as("1.0.0", document)

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path, monkeypatch, document):
        (tmp_path / "api").mkdir()
        monkeypatch.setattr(api_changelog, "CURRENT", tmp_path / "openapi.json")
        monkeypatch.setattr(api_changelog, "RELEASED", tmp_path / "api")
        monkeypatch.setattr(api_changelog, "CHANGELOG", tmp_path / "changelog.md")
        (tmp_path / "api/1.0.0.json").write_text(json.dumps(document))
        return tmp_path

    def test_breaking_change_fails_and_releases_nothing(self, folder, broken, capsys):
        broken["info"]["version"] = "1.1.0"
        (folder / "openapi.json").write_text(json.dumps(broken))

        assert api_changelog.main("release") == 1
        assert "needs a new major version" in capsys.readouterr().err
        assert not (folder / "api/1.1.0.json").exists()

    def test_release_stores_the_document_of_the_version(self, folder, document):
        document = released_as("1.10.0", document)
        (folder / "api/1.9.0.json").write_text(json.dumps(released_as("1.9.0", document)))
        (folder / "openapi.json").write_text(json.dumps(document))

        assert api_changelog.main("release") == 0
        assert json.loads((folder / "api/1.10.0.json").read_text()) == document
        assert (folder / "changelog.md").read_text().index("## 1.10.0") > 0

    def test_released_document_is_never_replaced(self, folder, document, capsys):
        changed = {**document, "info": {**document["info"], "title": "Another"}}
        (folder / "openapi.json").write_text(json.dumps(changed))

        assert api_changelog.main("release") == 1
        assert capsys.readouterr().err == (
            "docs/api/1.0.0.json differs: a change needs another version.\n"
        )
        assert json.loads((folder / "api/1.0.0.json").read_text()) == document

    def test_release_can_be_repeated(self, folder, document):
        (folder / "openapi.json").write_text(json.dumps(document))

        assert api_changelog.main("release") == 0

    def test_first_release_has_no_breaking_changes(self, folder, document):
        (folder / "api/1.0.0.json").unlink()
        (folder / "openapi.json").write_text(json.dumps(document))

        assert api_changelog.main() == 0
        assert api_changelog.main("release") == 0
        assert "## 1.0.0\n\nThe first version." in (folder / "changelog.md").read_text()

    def test_release_candidates_are_valid_versions(self, folder, document):
        for version in ("1.1.0rc1", "1.1.0"):
            (folder / "openapi.json").write_text(json.dumps(released_as(version, document)))
            assert api_changelog.main("release") == 0

        kept = [each["info"]["version"] for each in released_documents()]
        assert kept == ["1.0.0", "1.1.0rc1", "1.1.0"]
