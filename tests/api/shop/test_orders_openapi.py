"""Examples of orders in the OpenAPI document."""

from tests.support.openapi import composed


def test_only_changed_orders_have_a_history(operations, document):
    schemas, shown = document["components"]["schemas"], {}
    for name in ("createOrder", "getOrder", "updateOrder", "cancelOrder"):
        (operation,) = [each for each in operations if each.name == name]
        (response,) = operation.successes.values()
        media = response["content"]["application/json"]
        shown[name] = media.get("example", composed(media["schema"], schemas))

    for name, status in [("createOrder", "pending"), ("getOrder", "pending")]:
        assert (shown[name]["status"], shown[name]["history"]) == (status, [])
        assert shown[name]["updated_at"] == shown[name]["created_at"]
    for name, status in [("updateOrder", "paid"), ("cancelOrder", "cancelled")]:
        assert [step["to"] for step in shown[name]["history"]] == [status]
        assert shown[name]["status"] == status
        assert shown[name]["updated_at"] == shown[name]["history"][-1]["at"]


def test_country_is_recommended_and_state_required(document):
    schemas = document["components"]["schemas"]
    address = schemas["ShippingAddress"]

    assert "country" in composed(address, schemas)
    assert "Recommended" in address["properties"]["country"]["description"]
    assert "state" in address["required"]
    assert "country" not in address["required"]
