"""Changes of the webhooks in an OpenAPI document; the service sends their requests."""

from copy import deepcopy

import pytest

from tools.api_changes import changes

JSON = "application/json"


def document():
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    message = {
        "parameters": [{"in": "header", "name": "id", "required": True, "schema": {}}],
        "requestBody": {"required": True, "content": {JSON: {"schema": schema}}},
        "responses": {"2XX": {"description": "Received."}},
    }
    return {"openapi": "3.1.0", "paths": {}, "webhooks": {"sold": {"post": message}}}


def body(message):
    return message["requestBody"]["content"][JSON]["schema"]


BREAKING = {
    "webhook POST sold is gone": lambda each: each.clear(),
    "header parameter `id` is gone": lambda each: each["sold"]["post"]["parameters"].clear(),
    "`id`: `required` was True": lambda each: each["sold"]["post"]["parameters"][0].pop("required"),
    "sold: the body is gone": lambda each: each["sold"]["post"].pop("requestBody"),
    "sold: response 2XX is gone": lambda each: each["sold"]["post"]["responses"].clear(),
    "`text` is gone": lambda each: body(each["sold"]["post"])["properties"].clear(),
}
COMPATIBLE = {
    "webhook POST lost is new": lambda each: each.update(lost={"post": {"responses": {}}}),
    "header parameter `x` is new": lambda each: each["sold"]["post"]["parameters"].append(
        {"in": "header", "name": "x", "required": True}
    ),
    "response 410 is new": lambda each: each["sold"]["post"]["responses"].update({"410": {}}),
    "`size` is new": lambda each: body(each["sold"]["post"])["properties"].update(size={}),
}


def found(change):
    changed = deepcopy(document())
    change(changed["webhooks"])
    return changes(document(), changed)


@pytest.mark.parametrize("text", BREAKING)
def test_breaking_change_is_reported_as_such(text):
    breaking = [each.what for each in found(BREAKING[text]) if each.breaks]

    assert any(text in what for what in breaking), breaking


@pytest.mark.parametrize("text", COMPATIBLE)
def test_compatible_change_is_reported_as_such(text):
    (change,) = found(COMPATIBLE[text])

    assert text in change.what
    assert not change.breaks
