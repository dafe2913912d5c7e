"""Bodies and queries that mean two things, or nothing, are refused; and nothing comes of them."""

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


@pytest.fixture
def refused(as_user, rows):
    """Return a function that posts a note, and checks the error and that no row was written."""

    def post(status, data, **options):
        before = rows()
        response = as_user.post(NOTES, data=data, **{"content_type": "application/json", **options})
        assert response.status_code == status, response.text
        assert rows() == before
        return response

    return post


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
    def test_other_than_json_is_a_415(self, refused, content_type):
        refused(415, body(), content_type=content_type)

    def test_no_body_without_a_type_is_a_415(self, refused):
        refused(415, None, content_type=None)

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
    def test_what_is_not_json_is_a_400(self, refused, data):
        response = refused(400, data)

        assert response.json["type"] == "/api/problems/malformed-body"
        assert len(response.json["detail"]) <= 300

    @pytest.mark.parametrize("data", [b"[]", b"[{}]", b'"text"', b"1", b"true", b"null"])
    def test_json_that_is_no_object_is_a_422(self, refused, data):
        assert refused(422, data).json["errors"][0]["pointer"] == ""


class TestValues:
    @pytest.mark.parametrize(
        "value", [True, 1.9, "1", "1.0", " 1_0 ", "\u0663", -1, 2**31, 2**63, 10**400, [1], None]
    )
    def test_what_is_no_integer_in_range_is_a_422(self, refused, value):
        (error,) = refused(422, body(priority=value)).json["errors"]

        assert error["pointer"] == "/priority"

    @pytest.mark.parametrize(
        "number",
        [
            "1.5",
            "1e-1",
            "-1.0",
            "1e4",
            "1e400",
            "-1e400",
            "1e99999999999999999999",
            "1.00000000000000000000000000001",
            "0.99999999999999999999999999999",
            "1e-99999999999999999999",
        ],
    )
    def test_number_with_a_fraction_or_out_of_range_is_a_422(self, refused, number):
        response = refused(422, body().replace(b'"priority": 1', f'"priority": {number}'.encode()))

        assert [error["pointer"] for error in response.json["errors"]] == ["/priority"]

    @pytest.mark.parametrize(
        ("number", "value"),
        [
            ("56.0", 56),
            ("1e3", 1000),
            ("1E+2", 100),
            ("1.50e2", 150),
            ("500e-2", 5),
            ("-0.0", 0),
            ("0e999", 0),
            ("7." + "0" * 1000, 7),
        ],
    )
    def test_number_without_a_fraction_is_an_integer_however_it_is_written(
        self, as_user, number, value
    ):
        data = body().replace(b'"priority": 1', f'"priority": {number}'.encode())
        response = as_user.post(NOTES, data=data, content_type="application/json")

        assert response.status_code == 201, response.text
        assert response.json["priority"] == value
        assert isinstance(response.json["priority"], int)

    @pytest.mark.parametrize("value", ["N\0w", "\ud800", "\udfff!", "", "x" * 201, 1, True, ["N"]])
    def test_what_is_no_text_for_the_database_is_a_422(self, refused, value):
        (error,) = refused(422, body(title=value)).json["errors"]

        assert error["pointer"] == "/title"

    @pytest.mark.parametrize("email", ["a\0@b.example", "\ud800@b.example", "a@\udfff.example"])
    def test_what_is_no_text_is_no_address_either(self, client, rows, email):
        before = rows()
        data = json.dumps({"email": email, "password": "long enough"})
        response = client.post(REGISTER, data=data, content_type="application/json")

        assert response.status_code == 422
        assert rows() == before


class TestUnknownFields:
    def test_unknown_field_is_a_422(self, refused):
        assert refused(422, body(role="admin")).json["errors"] == [
            {"pointer": "/role", "detail": "Unknown field."}
        ]

    @pytest.mark.parametrize(
        ("name", "pointer"),
        [
            ("a/b", "/a~1b"),
            ("a~b", "/a~0b"),
            ("~1", "/~01"),
            ("", "/"),
            ("\ud800", "/\\ud800"),
            ("\0", "/\0"),
            ("x" * 100_000, "/" + "x" * 100),
        ],
    )
    def test_its_name_is_a_json_pointer(self, refused, name, pointer):
        (error,) = refused(422, body(**{name: 1})).json["errors"]

        assert error["pointer"] == pointer

    def test_many_of_them_give_a_bounded_response(self, refused):
        response = refused(422, body(**{f"field{i}": i for i in range(20_000)}))

        assert len(response.json["errors"]) == 50
        assert len(response.data) < 10_000

    def test_nested_fields_have_nested_pointers(self, as_user):
        items = [{"text": "a", "count": 1}, {"text": "b", "count": 0}, []]
        response = as_user.post(NOTES, json={**GOOD, "items": items})
        pointers = [error["pointer"] for error in response.json["errors"]]

        assert pointers == ["/items/1/count", "/items/2"]


class TestQuery:
    @pytest.mark.parametrize(
        "url",
        [
            "/api/notes?colour=red",
            "/api/notes?Limit=1",
            "/api/notes?limit=1&limit=2",
            "/api/notes?limit=1.0",
            "/api/notes?limit=%2B1",
            "/api/notes?limit=%201",
            "/api/notes?limit=%D9%A3",
            "/api/notes?limit=",
            "/api/notes?limit=" + "9" * 5000,
            "/api/notes?cursor=%00",
            "/api/notes?cursor=%FF",
            "/api/notes/abc?colour=red",
            "/api/health?colour=red",
        ],
    )
    def test_what_is_not_expected_is_a_422(self, client, url):
        response = client.get(url)

        assert response.status_code == 422
        assert len(response.json["errors"]) == 1

    @pytest.mark.parametrize("url", ["/api/notes", "/api/health"])
    def test_names_are_json_pointers(self, client, url):
        (error,) = client.get(f"{url}?a/b~c=1").json["errors"]

        assert error["pointer"] == "/a~1b~0c"

    def test_bytes_that_are_no_utf8_are_a_refusal(self, client):
        response = client.get("/api/notes", environ_overrides={"QUERY_STRING": "limit=\xff"})

        assert response.status_code == 400

    def test_writing_takes_none(self, refused):
        refused(422, body(), query_string={"dry_run": "true"})


class TestSize:
    def test_body_over_the_limit_is_a_413(self, refused):
        refused(413, body().ljust(LIMIT + 1))

    def test_body_of_exactly_the_limit_is_read(self, as_user):
        response = as_user.post(NOTES, data=body().ljust(LIMIT), content_type="application/json")

        assert response.status_code == 201

    @pytest.mark.parametrize(("size", "status"), [(LIMIT + 1, 413), (LIMIT * 3, 413), (LIMIT, 201)])
    def test_chunked_body_is_measured_and_not_cut_off(self, server, size, status):
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
