"""`Idempotency-Key` of POST /api/orders: concurrent duplicates."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from app.db.database import make_engine
from models.idempotency import IdempotencyKey
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, ProductFactory

KEY = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
BODY = {"items": [{"product_id": "abc", "quantity": 2}], "shipping_address": ADDRESS}


@pytest.fixture
def abc(session):
    return ProductFactory(id="abc", stock=10)


def place(client, key=KEY, body=BODY, **kwargs):
    return client.post("/api/orders", json=body, headers={"Idempotency-Key": key}, **kwargs)


class TestInFlight:
    @pytest.fixture
    def short_timeouts(self, own_engine, settings, use_engine):
        """The application uses `own_engine`'s database, and waits a tenth of a second for locks."""
        url = own_engine.url.render_as_string(hide_password=False)
        engine = make_engine(replace(settings, database_url=url, database_lock_timeout=100))
        use_engine(engine)
        yield
        engine.dispose()

    @pytest.fixture
    def first(self, own_engine):
        """The transaction of a request that is being worked on."""
        with Session(own_engine, expire_on_commit=False) as session:
            yield session

    @pytest.fixture
    def buyer(self, first):
        user = UserFactory.build()
        first.add(user)
        first.commit()
        return user

    @pytest.mark.parametrize("body", [BODY, {}])
    def test_concurrent_duplicate_returns_409_with_retry_after(
        self, short_timeouts, app, first, buyer, body
    ):
        twin = ApiClient(app).signed_in(buyer)
        first.add(IdempotencyKey(user_id=buyer.id, key=KEY, fingerprint=b"\0" * 32))
        first.flush()

        response = place(twin, body=body)

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/request-in-flight"
        assert int(response.headers["Retry-After"]) > 0

    def test_locked_product_is_not_a_duplicate_request(self, short_timeouts, app, first, buyer):
        client, product = ApiClient(app).signed_in(buyer), ProductFactory.build(id="abc")
        first.add(product)
        first.commit()
        first.refresh(product, with_for_update=True)

        assert place(client).status_code == 503
        first.rollback()
        assert place(client).status_code == 201
