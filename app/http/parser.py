"""Strict parser for request bodies and query strings: rejects ambiguous input."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from flask import Request, g, request
from gunicorn.http.errors import ParseException
from marshmallow import Schema, ValidationError
from marshmallow.exceptions import SCHEMA
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, UnsupportedMediaType

from app.errors.http_errors import RequestTimeout
from schemas.base import RequestSchema
from services.errors import InvalidInput, Problem
from services.key_format import KEY

MAX_BODY = 1024 * 1024
MAX_ERRORS = 50
# `_number` converts a number such as 5e3 to an int only if the int has at most this many digits.
# Otherwise 1e999999999 would use much memory.
MAX_DIGITS = 20


class MalformedBody(Problem):
    status, slug, title = 400, "malformed-body", "Malformed body"
    detail = "The body is not valid JSON."
    advice = (
        "See `detail` for the error. Create the body with a JSON library: UTF-8, no duplicate "
        "names, no NaN, no trailing comma."
    )


def receive_body() -> bytes:
    """Return the complete request body; every call returns the same body or raises the same error.

    Raises:
        RequestEntityTooLarge: the body is longer than 1 MiB.
        RequestTimeout: the body does not arrive in time.
        MalformedBody: the body has invalid HTTP/1.1 framing.
    """
    body: bytes | Exception | None = g.get("body")
    if body is None:
        try:
            body = _received()
        except (Problem, RequestEntityTooLarge) as problem:
            body = problem
        g.body = body
    if isinstance(body, Exception):
        raise body
    return body


def _received() -> bytes:
    # Werkzeug truncates a chunked body at its limit without an error. The limit is one byte more
    # than MAX_BODY, so that the check below finds a body that is too long.
    request.max_content_length = MAX_BODY + 1
    try:
        body = request.get_data(cache=True)
    except (ClientDisconnected, TimeoutError):
        raise RequestTimeout("The body did not arrive in time.") from None
    except (OSError, ParseException):
        raise MalformedBody("The body has invalid HTTP/1.1 framing.") from None
    if len(body) > MAX_BODY:
        raise RequestEntityTooLarge
    return body


def json_body() -> Any:
    """Return the decoded JSON body (RFC 8259), which is cached unless it is null.

    Raises:
        UnsupportedMediaType: the headers do not declare uncompressed JSON.
        MalformedBody: the body is not JSON, not UTF-8, or has a duplicate name.
        InvalidInput: the body contains an API key.
    """
    value = g.get("json")
    if value is None:
        value = g.json = _decoded()
    return value


def _decoded() -> Any:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be application/json.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("The body must have no Content-Encoding.")
    try:
        text = receive_body().decode()
        value = _decoder.decode(text)
        # An escape such as \u0066 can hide an API key in the text, but not in the values.
        exposed = list(_exposed_keys(value)) if "\\u" in text or KEY.search(text) else []
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"{error.msg}: line {error.lineno}, column {error.colno}."
        raise MalformedBody(f"The body is not valid JSON: {where}") from None
    except ValueError:  # not UTF-8, or a number with thousands of digits
        raise MalformedBody from None
    if exposed:
        raise InvalidInput.at(exposed[:MAX_ERRORS], "Contains an API key; revoke it, then omit it.")
    return value


def _exposed_keys(value: Any, at: str = "") -> Iterator[str]:
    """Yield the JSON pointer of each text with an API key."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _exposed_keys(each, f"{at}/{escaped(name)}")
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from _exposed_keys(each, f"{at}/{i}")
    elif isinstance(value, str) and KEY.search(value):
        yield at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise MalformedBody("An object in the body has a duplicate name.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not a JSON number.")


def _number(text: str) -> int | float:
    """Return an int for 5.0 and 5e0, as in JSON Schema (2020-12, section 4.2.3).

    `Decimal` converts the text, because the float of 1.00000000000000000001 is 1.0.
    """
    try:
        value = Decimal(text)
    except ArithmeticError:  # the exponent is out of bounds
        return float(text)
    if value.is_zero():
        return 0
    is_whole = value.adjusted() < MAX_DIGITS and value == value.to_integral_value()
    return int(value) if is_whole else float(text)


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_constant=_no_constant
)


class MalformedQuery(Problem):
    status, slug, title = 400, "malformed-query", "Malformed query"
    detail = "The query string is not UTF-8."
    advice = "Percent-encode the UTF-8 bytes of each value (RFC 3986)."


def query() -> MultiDict[str, str]:
    """Return the query parameters.

    Raises:
        MalformedQuery: the query string has raw bytes that are not UTF-8.
    """
    try:
        return request.args
    except UnicodeDecodeError:
        raise MalformedQuery from None


def refuse_unknown_parameters() -> None:
    """Raise InvalidInput if the request has query parameters; call it if none are declared."""
    if request.query_string and query():
        pointers = [f"/{escaped(name)}" for name in list(query())[:10]]
        raise InvalidInput.at(pointers, "Unknown parameter.")


class Parser(FlaskParser):
    """webargs parser for Flask; only the schema decides whether unknown fields are errors."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        optional = isinstance(schema, RequestSchema) and schema.body_optional
        if optional and not req.content_length and "Transfer-Encoding" not in req.headers:
            return {}
        return json_body()

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        twice = [name for name, values in query().lists() if len(values) > 1]
        if twice:
            at = [f"/{escaped(name)}" for name in twice[:MAX_ERRORS]]
            raise InvalidInput.at(at, "Must appear only once.")
        return query().to_dict()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        assert isinstance(error.messages, dict)
        (messages,) = error.messages.values()
        errors = [{"pointer": at, "detail": text} for at, text in pointers(messages)]
        raise InvalidInput(errors=errors[:MAX_ERRORS])


def pointers(messages: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield each message of marshmallow with its JSON pointer (RFC 6901)."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            # marshmallow reports errors of the whole object under `_schema`.
            yield from pointers(value, at if key == SCHEMA else f"{at}/{escaped(key)}")
    elif isinstance(messages, list):
        for value in messages:
            yield from pointers(value, at)
    else:
        yield at, str(messages)


def escaped(key: object) -> str:
    # The client chose the key, so it may contain lone surrogates, which UTF-8 cannot encode.
    text = str(key)[:100].encode(errors="backslashreplace").decode()
    return text.replace("~", "~0").replace("/", "~1")
