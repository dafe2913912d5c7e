"""How often an endpoint asks PostgreSQL, and what."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.factories import ADDRESS, ProductFactory


@contextmanager
def statements(connection):
    """The statements that run in the block, but for the savepoints of the tests."""
    seen = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "SAVEPOINT" not in statement:
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


class TestAuthentication:
    def test_session_and_user_are_one_query(self, connection, as_user):
        with statements(connection) as seen:
            as_user.get("/api/users/me")

        assert len(seen) == 1

    def test_that_query_goes_by_indexes_only(self, connection, as_user):
        with statements(connection) as seen:
            as_user.get("/api/users/me")
        statement, parameters = seen[0]
        # A table of a few rows is read from end to end, whatever indexes it has.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")

        plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())

        assert plan.count("Index Scan") == 2
        assert "Seq Scan" not in plan


class TestOrders:
    @pytest.mark.parametrize("count", [1, 50])
    def test_placing_one_costs_the_same_few_whatever_its_items(self, connection, as_user, count):
        items = [{"product_id": ProductFactory().id, "quantity": 1} for _ in range(count)]
        body = {"items": items, "shipping_address": ADDRESS}

        with statements(connection) as seen:
            answer = as_user.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

        assert answer.status_code == 201
        assert len(seen) == 4, seen
