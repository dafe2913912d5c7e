"""Reads that may lag, on a real streaming replica."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD
from tests.support.replicated_notes import (
    CHANGE,
    INSERT,
    NOTE,
    NOTE_ID,
    NOTE_UUID,
    priority,
    signed_in,
    titles,
)


def test_reads_of_accounts_and_sessions_may_not_lag(app):
    lagging = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if (view := getattr(app.view_functions[rule.endpoint], "view_class", None))
        for method, operation in view.operations.items()
        if operation.may_lag
    }

    assert ("GET", "/api/notes/<note_id>") in lagging
    assert {method for method, _ in lagging} == {"GET"}
    assert not [rule for _, rule in lagging if rule.startswith(("/api/auth/", "/api/users/me"))]


class TestReads:
    def test_anonymous_read_uses_the_replica(self, client, primary, behind):
        with behind():
            new = primary.run(CHANGE)

            assert priority(client) == new - 1

    def test_public_read_with_a_token_uses_the_primary(self, author, primary, behind):
        with behind():
            new = primary.run(CHANGE)

            assert priority(author) == new

    def test_read_uses_the_replica_if_it_has_all_writes_of_the_session(
        self, author, primary, behind
    ):
        author.post("/api/notes", json=NOTE)
        with behind():
            primary.run("UPDATE notes SET title = 'Changed' WHERE title = 'Mine'")

            assert titles(author) == ["Mine"]

    def test_missing_row_is_read_again_from_the_primary(self, client, primary, behind):
        with behind():
            new = f"{NOTE_ID[:-1]}b"
            primary.run(INSERT.replace("Public", "New"), id=NOTE_UUID.replace("a", "b"))
            assert client.get(f"/api/notes/{new}").status_code == 200
            assert client.get("/api/notes/none").status_code == 404


class TestOwnWrites:
    def test_own_writes_are_read_while_the_replica_lags(self, author, behind):
        with behind():
            ids = [author.post("/api/notes", json=NOTE).json["id"] for _ in range(3)]

            listed = author.get("/api/notes/mine").json["items"]
            assert [note["id"] for note in listed] == ids[::-1]
            for note_id in ids:
                author.patch(f"/api/notes/{note_id}", json={"title": "New"})
                assert "New" in titles(author)
            assert titles(author) == ["New"] * 3

    def test_writes_of_an_administrator_are_read_while_the_replica_lags(self, app, primary, behind):
        admin = signed_in(app, primary, "admin")
        user = signed_in(app, primary, "user").get("/api/users/me").json["id"]
        with behind():
            admin.patch(f"/api/users/{user}", json={"is_active": False})

            assert admin.get(f"/api/users/{user}").json["is_active"] is False

    def test_writes_of_an_older_session_are_read_after_a_new_sign_in(self, app, author, behind):
        me = author.get("/api/users/me").json["email"]
        with behind():
            author.post("/api/notes", json=NOTE)
            again = ApiClient(app)
            account = {"email": me, "password": PASSWORD}
            again.tokens = again.post("/api/auth/login", json=account).json

            assert titles(again) == ["Mine"]

    def test_concurrent_writes_are_all_counted(self, author, primary):
        with ThreadPoolExecutor(8) as threads:
            responses = list(threads.map(lambda _: author.post("/api/notes", json=NOTE), range(8)))

        assert {response.status_code for response in responses} == {201}
        assert primary.run("SELECT writes FROM sessions ORDER BY created_at DESC LIMIT 1") == 8

    def test_failed_writes_are_not_counted(self, author, primary):
        assert author.patch(f"/api/notes/{NOTE_ID}", json={}).status_code == 404
        assert primary.run("SELECT writes FROM sessions ORDER BY created_at DESC LIMIT 1") == 0


def test_sign_out_takes_effect_while_the_replica_lags(author, behind):
    with behind():
        author.post("/api/auth/logout", json={"sessions": "all"})

        assert author.get("/api/notes/mine").status_code == 401


def test_demotion_takes_effect_at_once(app, primary, catch_up):
    admin = signed_in(app, primary, "admin")
    email = admin.get("/api/users/me").json["email"]
    catch_up()
    assert admin.get("/api/users").status_code == 200
    primary.run("UPDATE users SET role = 'user' WHERE email = :email", email=email)

    assert admin.get("/api/users").status_code == 403
