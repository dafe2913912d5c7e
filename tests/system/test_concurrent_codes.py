"""Codes of a second factor in parallel requests, with two worker processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.support.factories import PASSWORD
from tests.support.second_factors import LOGIN, URL, code_of, enrolled

TIMES = 50


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture
def account(client, server):
    """Return the credentials of a new account."""
    account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    client.post("/api/auth/register", json=account).raise_for_status()
    server.flask("users", "verify-email", account["email"])
    return account


@pytest.fixture
def factor(server, account):
    with server.signed_in(**account) as signed_in:
        return enrolled(signed_in, **account)


def statuses(send):
    with ThreadPoolExecutor(10) as threads:
        return Counter(threads.map(lambda _: send().status_code, range(TIMES)))


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_code_signs_in_once(client, factor, kind):
    code = code_of(factor.secret) if kind == "app" else factor.recovery_codes[0]
    body = {"challenge": factor.challenge(client), "code": code}

    assert statuses(lambda: client.post(f"{LOGIN}/second-factor", json=body)) == {
        200: 1,
        401: TIMES - 1,
    }


def test_password_sign_in_during_the_enrolment_opens_no_session_that_stays(server, client, account):
    """The enrolment ends the sessions of earlier sign-ins; later sign-ins need a code."""

    def sign_in(_):
        return client.post(LOGIN, json=account)

    with server.signed_in(**account) as signed_in, ThreadPoolExecutor(8) as threads:
        responses = threads.map(sign_in, range(TIMES))
        enrolled(signed_in, **account)
        tokens = [each.json()["access_token"] for each in responses if each.status_code == 200]
        alive = [
            client.get(URL, headers={"Authorization": f"Bearer {token}"}).status_code
            for token in tokens
        ]

    assert client.post(LOGIN, json=account).status_code == 401
    assert set(alive) <= {401}


def test_code_turns_it_off_once(server, account):
    with server.signed_in(**account) as signed_in:
        factor = enrolled(signed_in, **account)
        body = {"code": code_of(factor.secret)}
        found = statuses(lambda: signed_in.post(f"{URL}/disable", json=body))

    assert found == {204: 1, 404: TIMES - 1}
