"""Concurrent use of sessions, with two worker processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.support.factories import PASSWORD

NO_KEEPALIVE = httpx.Limits(max_keepalive_connections=0)


@pytest.fixture
def account(server):
    """Return the credentials of a new account."""
    account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    httpx.post(f"{server.url}/api/auth/register", json=account)
    return account


@pytest.fixture
def admin(server):
    """Return the credentials of a new administrator."""
    email = f"{uuid4().hex}@example.com"
    server.flask("users", "create-admin", email, "--password", PASSWORD)
    return {"email": email, "password": PASSWORD}


class TestRefresh:
    def test_parallel_exchanges_return_one_successor_and_keep_the_session(self, server, account):
        with httpx.Client(base_url=server.url, timeout=30) as client:
            tokens = client.post("/api/auth/login", json=account).json()
            body = {"refresh_token": tokens["refresh_token"]}

            with ThreadPoolExecutor(20) as threads:
                responses = list(
                    threads.map(lambda _: client.post("/api/auth/refresh", json=body), range(20))
                )

            assert Counter(response.status_code for response in responses) == {200: 20}
            tokens = [response.json() for response in responses]
            unverified = {"verify_signature": False}
            refresh = (jwt.decode(each["refresh_token"], options=unverified) for each in tokens)
            assert len({claims["jti"] for claims in refresh}) == 1
            headers = {"Authorization": f"Bearer {tokens[0]['access_token']}"}
            assert client.get("/api/users/me", headers=headers).status_code == 200


class TestEveryWorker:
    """The end of a session takes effect on the next request, in every process."""

    @staticmethod
    def statuses(server, client, path="/api/users/me"):
        """Return the statuses of twenty connections, which reach all workers."""
        headers = {"Authorization": client.headers["Authorization"]}
        with httpx.Client(base_url=server.url, headers=headers, limits=NO_KEEPALIVE) as anew:
            return {anew.get(path).status_code for _ in range(20)}

    def test_sign_out_of_this_and_of_other_sessions(self, server, account):
        with server.signed_in(**account) as here, server.signed_in(**account) as there:
            assert self.statuses(server, there) == {200}
            here.post("/api/auth/logout", json={"sessions": "others"})
            assert self.statuses(server, there) == {401}
            assert self.statuses(server, here) == {200}
            here.post("/api/auth/logout")
            assert self.statuses(server, here) == {401}

    def test_deactivation_and_demotion(self, server, account, admin):
        with (
            server.signed_in(**admin) as admin,
            server.signed_in(**account) as client,
        ):
            url = f"/api/users/{client.get('/api/users/me').json()['id']}"
            admin.patch(url, json={"role": "admin"})
            assert self.statuses(server, client, "/api/users") == {200}
            admin.patch(url, json={"role": "user"})
            assert self.statuses(server, client, "/api/users") == {403}
            admin.patch(url, json={"is_active": False})
            assert self.statuses(server, client) == {401}

    def test_new_password_ends_concurrent_sign_ins(self, server, account):
        change = {"current_password": account["password"], "new_password": "another horse battery"}
        with ThreadPoolExecutor(4) as pool, server.signed_in(**account) as here:
            under_way = [
                pool.submit(httpx.post, f"{server.url}/api/auth/login", json=account)
                for _ in range(4)
            ]
            assert here.put("/api/users/me/password", json=change).status_code == 204
            responses = [each.result() for each in under_way]

            for response in responses:
                if response.status_code == 200:
                    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
                    me = httpx.get(f"{server.url}/api/users/me", headers=headers)
                    assert me.status_code == 401
