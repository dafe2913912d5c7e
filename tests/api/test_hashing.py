"""Passwords are hashed without a database connection; concurrent changes are detected."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, text

from services import passwords
from tests.support.clients import ApiClient
from tests.support.factories import CHEAP_HASHER, PASSWORD

LOGIN, CHANGE = "/api/auth/login", "/api/users/me/password"
ACCOUNT = {"email": "author@example.com", "password": PASSWORD}
NEW_PASSWORD = "another battery staple"
NEW = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
WEAK_HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
OTHER_HASH = CHEAP_HASHER.hash("yet another battery")


@pytest.fixture
def author(app, use_engine, own_engine):
    """Return a signed-in client with its own database."""
    use_engine(own_engine)
    client = ApiClient(app)
    client.post("/api/auth/register", json=ACCOUNT)
    client.tokens = client.post(LOGIN, json=ACCOUNT).json
    return client


@pytest.fixture
def execute(own_engine):
    def run(sql, **values):
        with own_engine.begin() as connection:
            connection.execute(text(sql), values)

    return run


@pytest.fixture
def while_hashing(monkeypatch):
    """Return a function that sets an action to run before each hash."""

    def set_action(action):
        run = passwords._run

        def run_after(function, args):
            action()
            return run(function, args)

        monkeypatch.setattr(passwords, "_run", run_after)

    return set_action


class TestConnection:
    @pytest.mark.parametrize(
        ("method", "url", "body", "status"),
        [
            ("POST", LOGIN, ACCOUNT, 200),
            ("POST", LOGIN, ACCOUNT | {"password": "wrong"}, 401),
            ("POST", LOGIN, ACCOUNT | {"email": "unknown@example.com"}, 401),
            ("PUT", CHANGE, NEW, 204),
            ("PUT", CHANGE, NEW | {"current_password": "wrong"}, 422),
            ("POST", "/api/auth/register", ACCOUNT | {"email": "b@example.com"}, 201),
        ],
    )
    @pytest.mark.parametrize("stored", [None, WEAK_HASH], ids=["current", "outdated"])
    def test_no_connection_is_held_while_a_password_is_hashed(
        self, author, own_engine, execute, while_hashing, stored, method, url, body, status
    ):
        if stored:
            execute("UPDATE users SET password_hash = :stored", stored=stored)
        held = []
        while_hashing(lambda: held.append(own_engine.pool.checkedout()))

        assert author.open(url, method=method, json=body).status_code == status
        assert set(held) == {0}


class TestConcurrentChange:
    @pytest.fixture
    def change(self, execute, while_hashing):
        """Return a function that changes the stored hash once, while a password is hashed."""

        def set_hash(password_hash):
            todo = ["UPDATE users SET password_hash = :hash"]
            while_hashing(lambda: todo and execute(todo.pop(), hash=password_hash))

        return set_hash

    def test_sign_in_with_the_old_password_fails_after_a_change(self, author, change):
        change(OTHER_HASH)

        assert author.post(LOGIN, json=ACCOUNT).status_code == 401

    def test_sign_in_succeeds_after_the_hash_was_renewed(self, author, change):
        change(CHEAP_HASHER.hash(PASSWORD))

        assert author.post(LOGIN, json=ACCOUNT).status_code == 200

    def test_change_with_the_old_password_fails_after_a_change(self, author, change):
        change(OTHER_HASH)

        assert author.put(CHANGE, json=NEW).status_code == 422

    def test_change_succeeds_after_the_hash_was_renewed(self, author, change):
        change(CHEAP_HASHER.hash(PASSWORD))

        assert author.put(CHANGE, json=NEW).status_code == 204

    def test_sign_in_fails_after_a_deactivation(self, author, execute, while_hashing):
        while_hashing(lambda: execute("UPDATE users SET is_active = false"))

        assert author.post(LOGIN, json=ACCOUNT).status_code == 401

    def test_change_fails_after_a_sign_out(self, author, execute, while_hashing):
        while_hashing(lambda: execute("UPDATE sessions SET revoked_at = now()"))

        assert author.put(CHANGE, json=NEW).status_code == 401
        assert author.post(LOGIN, json=ACCOUNT).status_code == 200


class TestRehash:
    def test_parallel_sign_ins_do_not_deadlock(self, app, author, own_engine, execute, monkeypatch):
        execute("UPDATE users SET password_hash = :weak", weak=WEAK_HASH)
        errors, calls, together = [], [], Barrier(2)
        is_outdated = passwords.outdated
        event.listen(own_engine, "handle_error", errors.append)

        def outdated(password_hash):
            calls.append(1)
            if len(calls) <= 2:
                together.wait(30)
            return is_outdated(password_hash)

        monkeypatch.setattr(passwords, "outdated", outdated)
        with ThreadPoolExecutor(2) as threads:
            clients = [ApiClient(app), ApiClient(app)]
            responses = list(threads.map(lambda each: each.post(LOGIN, json=ACCOUNT), clients))

        assert [response.status_code for response in responses] == [200, 200]
        assert errors == []

    def test_renewed_hash_keeps_the_version_of_the_profile(self, author, execute):
        execute("UPDATE users SET password_hash = :weak", weak=WEAK_HASH)
        before = author.get("/api/users/me").headers["ETag"]
        assert author.post(LOGIN, json=ACCOUNT).status_code == 200

        change = author.patch("/api/users/me", json={"name": "J"}, headers={"If-Match": before})
        assert change.status_code == 200
