"""Request bodies: media type, JSON syntax and size."""

import http.client
import json
import secrets
from urllib.parse import urlsplit

import pytest

NOTES = "/api/notes"
REGISTER = "/api/auth/register"
LIMIT = 1024 * 1024
GOOD = {"title": "New", "priority": 1}
DEEP = b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def body(**changes):
    return json.dumps({**GOOD, **changes}).encode()


class TestMediaType:
    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/vnd.api+json",
            "text/json",
            "json",
        ],
    )
    def test_other_than_json_returns_415(self, check_rejected, content_type):
        check_rejected(415, body(), content_type=content_type)

    def test_no_body_without_a_type_returns_415(self, check_rejected):
        check_rejected(415, None, content_type=None)

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json; charset=utf-8",
            "application/json;",
            "APPLICATION/JSON",
        ],
    )
    def test_json_media_type_may_have_parameters_and_any_case(self, as_user, content_type):
        response = as_user.post(NOTES, data=body(), content_type=content_type)

        assert response.status_code == 201


class TestSyntax:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b" ",
            b"{",
            b"{'title': 'new'}",
            body() + b"x",
            body().replace(b"}", b",}"),
            body(title="é").replace(b"\\u00e9", b"\xe9"),
            b"\xef\xbb\xbf" + body(),
            body().decode().encode("utf-16"),
            body().decode().encode("utf-32"),
            body().replace(b'"title"', b'"priority": 2, "title"'),
            body().replace(b'"title"', b'"priorit\\u0079": 2, "title"'),
            body().replace(b'"priority": 1', b'"priority": NaN'),
            body().replace(b'"priority": 1', b'"priority": Infinity'),
            body().replace(b'"priority": 1', b'"priority": -Infinity'),
            body().replace(b'"priority": 1', b'"priority": 01'),
            body().replace(b'"priority": 1', b'"priority": ' + b"9" * 5000),
            body().replace(b'"New"', b'"N\x00w"'),
            body().replace(b'"New"', b'"N\nw"'),
            DEEP,
        ],
        ids=lambda data: repr(data)[:60],
    )
    def test_invalid_json_returns_400(self, check_rejected, data):
        response = check_rejected(400, data)

        assert response.json["type"] == "/api/problems/malformed-body"
        assert len(response.json["detail"]) <= 300

    @pytest.mark.parametrize("data", [b"[]", b"[{}]", b'"text"', b"1", b"true", b"null"])
    def test_json_without_an_object_returns_422(self, check_rejected, data):
        assert check_rejected(422, data).json["errors"][0]["pointer"] == ""


class TestSize:
    def test_body_over_the_limit_returns_413(self, check_rejected):
        check_rejected(413, body().ljust(LIMIT + 1))

    def test_body_of_exactly_the_limit_is_read(self, as_user):
        response = as_user.post(NOTES, data=body().ljust(LIMIT), content_type="application/json")

        assert response.status_code == 201

    @pytest.mark.parametrize(("size", "status"), [(LIMIT + 1, 413), (LIMIT * 3, 413), (LIMIT, 201)])
    def test_chunked_body_over_the_limit_returns_413_and_is_not_truncated(
        self, server, size, status
    ):
        account = {"email": f"{secrets.token_hex(8)}@example.com", "password": "long enough"}
        # Cut off at the limit, it would still be JSON.
        padded = json.dumps(account).encode().ljust(size)

        assert send(server, REGISTER, iter([padded[:100], padded[100:]])) == status
        signed_in = send(server, "/api/auth/login", json.dumps(account).encode())
        assert signed_in == (200 if status == 201 else 401)


def send(server, path, data):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", path, data, headers, encode_chunked=not isinstance(data, bytes))
    status = connection.getresponse().status
    connection.close()
    return status
