"""The webhooks of the OpenAPI document are those that the deliverer sends."""

import pytest

from models.events import EventType
from models.webhook_endpoints import WebhookEndpoint
from services.webhook_deliverer import signed_headers
from tests.support.openapi import SCHEMA_REF, faults


@pytest.fixture(scope="module")
def messages(document):
    return {name: item["post"] for name, item in document["webhooks"].items()}


def test_each_type_of_event_has_a_message(messages):
    assert messages.keys() == {str(event_type) for event_type in EventType}


def test_operation_ids_are_unique(messages, operations):
    names = [message["operationId"] for message in messages.values()]
    names += [operation.name for operation in operations]

    assert len(set(names)) == len(names)


def test_example_is_an_event_of_the_type(messages, document):
    for name, message in messages.items():
        body = message["requestBody"]["content"]["application/json"]
        example = body["examples"][name]["value"]

        assert body["schema"] == {"$ref": f"{SCHEMA_REF}Event"}
        assert faults(body["schema"], example, document) == []
        assert example["type"] == name


def test_headers_are_those_of_a_delivery(messages, document):
    (example,) = messages["user.registered"]["requestBody"]["content"]["application/json"][
        "examples"
    ].values()
    endpoint = WebhookEndpoint(secret="whsec_c2VjcmV0")
    headers = signed_headers(example["value"]["id"], endpoint, b"{}")

    for message in messages.values():
        declared = {each["name"]: each for each in message["parameters"]}
        assert declared.keys() == headers.keys()
        for name, parameter in declared.items():
            assert parameter["required"]
            assert faults(parameter["schema"], headers[name], document) == []
            assert faults(parameter["schema"], parameter["example"], document) == []
