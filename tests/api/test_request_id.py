"""`X-Request-ID`."""

import re

import pytest

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["", " ", "a b", "x" * 129, "é", 'a"b', "a;b", "<script>"])
def test_invalid_id_is_replaced(client, given):
    response = client.get("/api/health", headers={"X-Request-ID": given})

    assert MADE.fullmatch(response.headers["X-Request-ID"])


@pytest.mark.parametrize("given", ["a", "x" * 128, "3f2c-9A_.7"])
def test_valid_id_is_kept(client, given):
    response = client.get("/api/nothing", headers={"X-Request-ID": given})

    assert response.headers["X-Request-ID"] == response.json["request_id"] == given


def test_each_request_without_an_id_gets_a_new_one(client):
    first, second = (client.get("/api/health").headers["X-Request-ID"] for _ in range(2))

    assert MADE.fullmatch(first)
    assert first != second


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/api/static/redoc.js", 200),
        ("HEAD", "/api/health", 200),
        ("OPTIONS", "/api/notes", 200),
        ("POST", "/api/auth/logout", 204),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/notes", 405),
    ],
)
def test_id_is_on_every_response(as_user, method, url, status):
    response = as_user.open(url, method=method, headers={"X-Request-ID": "mine"}, buffered=True)

    assert (response.status_code, response.headers["X-Request-ID"]) == (status, "mine")


def test_id_is_on_a_500(client, during_get):
    during_get(lambda _: 1 / 0)
    response = client.get("/api/notes/abc", headers={"X-Request-ID": "mine"})

    assert (response.status_code, response.headers["X-Request-ID"]) == (500, "mine")


def test_id_is_on_a_304(as_user):
    version = as_user.get("/api/users/me").headers["ETag"]
    response = as_user.get(
        "/api/users/me", headers={"If-None-Match": version, "X-Request-ID": "mine"}
    )

    assert (response.status_code, response.headers["X-Request-ID"]) == (304, "mine")
