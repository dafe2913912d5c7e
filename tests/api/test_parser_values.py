"""Values and names of fields and query parameters: strict types and JSON pointers."""

import json

import pytest

NOTES = "/api/notes"
REGISTER = "/api/auth/register"
GOOD = {"title": "New", "priority": 1}


def body(**changes):
    return json.dumps({**GOOD, **changes}).encode()


class TestValues:
    @pytest.mark.parametrize(
        "value", [True, 1.9, "1", "1.0", " 1_0 ", "\u0663", -1, 2**31, 2**63, 10**400, [1], None]
    )
    def test_value_that_is_not_an_integer_in_range_returns_422(self, check_rejected, value):
        (error,) = check_rejected(422, body(priority=value)).json["errors"]

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
    def test_number_with_a_fraction_or_out_of_range_returns_422(self, check_rejected, number):
        response = check_rejected(
            422, body().replace(b'"priority": 1', f'"priority": {number}'.encode())
        )

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
    def test_number_without_a_fraction_is_an_integer_in_any_notation(self, as_user, number, value):
        data = body().replace(b'"priority": 1', f'"priority": {number}'.encode())
        response = as_user.post(NOTES, data=data, content_type="application/json")

        assert response.status_code == 201, response.text
        assert response.json["priority"] == value
        assert isinstance(response.json["priority"], int)

    @pytest.mark.parametrize("value", ["N\0w", "\ud800", "\udfff!", "", "x" * 201, 1, True, ["N"]])
    def test_invalid_text_returns_422(self, check_rejected, value):
        (error,) = check_rejected(422, body(title=value)).json["errors"]

        assert error["pointer"] == "/title"

    @pytest.mark.parametrize("email", ["a\0@b.example", "\ud800@b.example", "a@\udfff.example"])
    def test_invalid_text_in_an_email_address_returns_422(self, client, rows, email):
        before = rows()
        data = json.dumps({"email": email, "password": "long enough"})
        response = client.post(REGISTER, data=data, content_type="application/json")

        assert response.status_code == 422
        assert rows() == before


class TestUnknownFields:
    def test_unknown_field_returns_422(self, check_rejected):
        assert check_rejected(422, body(role="admin")).json["errors"] == [
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
    def test_pointer_escapes_the_name(self, check_rejected, name, pointer):
        (error,) = check_rejected(422, body(**{name: 1})).json["errors"]

        assert error["pointer"] == pointer

    def test_number_of_reported_errors_is_limited(self, check_rejected):
        response = check_rejected(422, body(**{f"field{i}": i for i in range(20_000)}))

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
    def test_unexpected_query_returns_422(self, client, url):
        response = client.get(url)

        assert response.status_code == 422
        assert len(response.json["errors"]) == 1

    @pytest.mark.parametrize("url", ["/api/notes", "/api/health"])
    def test_pointer_escapes_the_name_of_a_parameter(self, client, url):
        (error,) = client.get(f"{url}?a/b~c=1").json["errors"]

        assert error["pointer"] == "/a~1b~0c"

    def test_invalid_utf8_returns_400(self, client):
        response = client.get("/api/notes", environ_overrides={"QUERY_STRING": "limit=\xff"})

        assert response.status_code == 400

    def test_post_accepts_no_query(self, check_rejected):
        check_rejected(422, body(), query_string={"dry_run": "true"})
