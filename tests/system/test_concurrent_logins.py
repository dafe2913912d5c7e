"""Rate limits of concurrent sign-ins, with two worker processes and one Redis."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.support.servers import served
from tools import embedded


@pytest.fixture
def limited(new_database, migrated_url):
    url = new_database(make_url(migrated_url).database)
    with (
        embedded.valkey() as redis_url,
        served(url, REDIS_URL=redis_url, RATE_LIMIT_LOGIN_ADDRESS="20 per minute") as server,
    ):
        yield server


def test_only_twenty_of_a_hundred_parallel_sign_ins_are_checked(limited):
    with httpx.Client(base_url=limited.url, timeout=30) as client, ThreadPoolExecutor(50) as pool:

        def sign_in(n: int) -> int:
            body = {"email": f"unknown{n}@example.com", "password": "wrong"}
            return client.post("/api/auth/login", json=body).status_code

        assert Counter(pool.map(sign_in, range(100))) == {401: 20, 429: 80}
