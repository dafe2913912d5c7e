"""An erasure and orders of the same person at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services import orders
from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tests.support.erasures import Person, during_erasure, wait_for_lock
from tests.support.personal_data import found
from tests.support.shop import ADDRESS

ITEMS = [{"product_id": "abc", "quantity": 1}]


@pytest.fixture
def admin(server):
    with server.signed_in(ADMIN, ADMIN_PASSWORD) as client:
        yield client


def place(person):
    body = {"items": ITEMS, "shipping_address": ADDRESS | {"street": person.marker}}
    key = {"Idempotency-Key": person.marker}
    return person.client.post("/api/orders", json=body, headers=key)


def shipped(person, admin):
    order = f"/api/orders/{place(person).json()['id']}"
    for status in ("paid", "shipped"):
        admin.patch(order, json={"status": status}).raise_for_status()
    return order


def check_nothing_found(server_engine, *people):
    with server_engine.connect() as connection:
        assert not any(found(connection, *(each.marker for each in people)).values())


def test_order_during_an_erasure_returns_401_and_is_not_placed(server_engine, person):
    response = during_erasure(server_engine, person, lambda: place(person))

    assert response.status_code == 401
    check_nothing_found(server_engine, person)


def test_metadata_during_an_erasure_return_401(server_engine, person, admin):
    order = shipped(person, admin)
    body = {"metadata": {"note": person.marker}}

    response = during_erasure(server_engine, person, lambda: person.client.patch(order, json=body))

    assert response.status_code == 401
    check_nothing_found(server_engine, person)


def test_erasure_during_an_order_waits_and_returns_409(server_engine, person):
    with Session(server_engine) as session, ThreadPoolExecutor(1) as thread:
        lock = text("SELECT id FROM users WHERE email = :email FOR KEY SHARE")
        session.execute(lock, {"email": person.account["email"]})
        orders.place(session, person.principal, ITEMS, ADDRESS)
        response = thread.submit(person.erase)
        wait_for_lock(server_engine)
        session.commit()

        assert response.result(30).status_code == 409
    assert person.client.get("/api/orders").json()["items"][0]["status"] == "pending"


def test_parallel_orders_and_erasures_leave_an_account_or_no_personal_data(
    new_person, server_engine
):
    people = [new_person() for _ in range(20)]
    calls = [each for person in people for each in ((place, person), (Person.erase, person))]

    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda call: call[0](call[1]).status_code, calls))

    outcomes = list(zip(people, responses[0::2], responses[1::2], strict=True))
    counted = Counter((order, erasure) for _, order, erasure in outcomes)
    assert counted.keys() <= {(201, 409), (401, 204)}
    check_nothing_found(
        server_engine, *(person for person, _, erasure in outcomes if erasure == 204)
    )
