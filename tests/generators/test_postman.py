"""Postman: convert the document to a collection, and run one of its requests."""

import json

import pytest

from tests.generators.programs import DOCUMENT, run

pytestmark = pytest.mark.generators
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def collection(tmp_path):
    """Return the folder with the collection, and its content."""
    run(tmp_path, "openapi2postmanv2", "-s", DOCUMENT, "-o", "collection.json")
    return tmp_path, json.loads((tmp_path / "collection.json").read_text())


def requests(item):
    for child in item.get("item", []):
        yield from requests(child) if "item" in child else [child]


def test_collection_has_a_request_for_each_operation(collection):
    document = json.loads(DOCUMENT.read_text())
    operations = [path[method]["summary"].rstrip() for path in document["paths"].values()
                  for method in METHODS & path.keys()]  # fmt: skip

    assert sorted(each["name"] for each in requests(collection[1])) == sorted(operations)


def test_request_of_the_collection_succeeds(collection, server):
    folder, _ = collection
    options = ("--folder", "health", "--env-var", f"baseUrl={server.url}", "--reporters", "json")
    run(folder, "newman", "run", "collection.json", *options, "--reporter-json-export", "run.json")
    report = json.loads((folder / "run.json").read_text())["run"]

    codes = [each["response"]["code"] for each in report["executions"]]
    assert codes == [200] * 3
    assert report["failures"] == []
