"""`Idempotency-Key` header: safe retries of POST requests."""

import hashlib
import json
import re

from flask import Response, request
from sqlalchemy.orm import Session

from app.http.parser import MalformedBody, json_body
from services import idempotency
from services.errors import Problem
from services.key_format import KEY as API_KEY
from services.principals import Principal

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
# The IETF draft requires quotes, but most clients omit them. The quotes are not part of the key.
# WSGI joins repeated headers with a comma, so a key without quotes must not contain a comma.
KEY = re.compile(r'"([!#-\[\]-~]{1,255})"|([!#-+\--\[\]-~]{1,255})')
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "schema": {
        "type": "string",
        "pattern": f"^(?:{KEY.pattern})$",
        "examples": ["9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"],
    },
    "description": "Generate a UUID for each new request and reuse it for every retry. The request "
    "is executed once, and each retry returns the first response. Keys expire after 24 hours.",
}
_sorted = json.JSONEncoder(sort_keys=True)
REPLAYED_HEADER = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "Present if the response is the stored one of an earlier request with this key.",
    "example": "true",
}


class MalformedKey(Problem):
    status, slug, title = 400, "malformed-idempotency-key", "Malformed Idempotency-Key"
    detail = (
        "Send one Idempotency-Key of 1 to 255 printable ASCII characters, without spaces, quotes "
        "and backslashes. A comma is allowed only if the key is in quotes."
    )
    advice = "Generate a new UUID for each new request."


def claim(session: Session, principal: Principal) -> Response | None:
    """Claim the key of the request, or return the stored response if the key was used before.

    Raises:
        MalformedKey: the header is not a valid key.
        IdempotencyKeyReused: the key was used with a different request.
        RequestInFlight: a request with this key is still running.
    """
    if HEADER not in request.headers:
        return None
    stored = idempotency.claim(session, principal, _key(), _fingerprint())
    return _replay(stored) if stored else None


def store(session: Session, principal: Principal, response: Response) -> None:
    """Store the response under the key, in the same transaction as the changes."""
    if HEADER in request.headers:
        stored = idempotency.StoredResponse(
            response.status_code,
            response.get_data(),
            response.location,
            response.headers.get("ETag"),
        )
        idempotency.store(session, principal, _key(), stored)


def _key() -> str:
    match = KEY.fullmatch(request.headers[HEADER])
    if match is None:
        raise MalformedKey
    key: str = match[1] or match[2]
    if API_KEY.search(key):  # the database would store it
        raise MalformedKey("Idempotency-Key contains an API key; revoke it, and send a new UUID.")
    return key


def _fingerprint() -> bytes:
    """Return a hash of the request; two spellings of one JSON value have the same hash."""
    try:
        body = _sorted.encode(json_body())
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).digest()


def _replay(stored: idempotency.StoredResponse) -> Response:
    headers = {REPLAYED: "true", "Location": stored.location, "ETag": stored.etag}
    return Response(
        stored.body,
        stored.status,
        {name: value for name, value in headers.items() if value},
        mimetype="application/json",
    )
