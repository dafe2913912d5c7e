"""Orders of another user return the responses of absent orders, in every operation."""

import pytest

from models.orders import ORDER_ID
from tests.support.factories import UserFactory
from tests.support.isolation import check_foreign_like_absent, check_not_listed
from tests.support.shop import OrderFactory


@pytest.fixture
def order(session):
    return OrderFactory(user_id=UserFactory().id)


def test_order_of_another_user_returns_404(as_user, order):
    foreign, absent = {"order_id": order.id}, {"order_id": ORDER_ID.new()}

    assert check_foreign_like_absent(as_user, foreign, absent, {"updateOrder": {"status": "paid"}})


def test_own_order_is_found(as_user, user):
    order_id = OrderFactory(user_id=user.id).id

    assert as_user.get(f"/api/orders/{order_id}").status_code == 200
    assert as_user.post(f"/api/orders/{order_id}/cancel").status_code == 200


def test_lists_have_no_order_of_another_user(as_user, order):
    check_not_listed(as_user, {order.id, order.user_id})
