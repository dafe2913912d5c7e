"""Orders with more items than allowed."""

from models.orders import MAX_ITEMS


def test_too_many_items_are_one_error_even_if_each_is_invalid(as_user):
    response = as_user.post("/api/orders", json={"items": [{}] * (MAX_ITEMS + 1)})

    assert response.status_code == 422
    pointers = [error["pointer"] for error in response.json["errors"]]
    assert sorted(pointers) == ["/items", "/shipping_address"]
