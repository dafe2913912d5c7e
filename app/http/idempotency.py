"""`Idempotency-Key`: a POST that can be retried without being done twice."""

import hashlib
import json
import re

from flask import Response, request
from sqlalchemy.orm import Session

from app.http.parser import MalformedBody, json_body
from services import idempotency
from services.errors import Problem
from services.principals import Principal

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
# The draft has a quoted string, most clients send it bare: they mean the same. A comma in a bare
# key is what WSGI puts between two headers of one name.
KEY = re.compile(r'"([!#-\[\]-~]{1,255})"|([!#-+\--\[\]-~]{1,255})')
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "schema": {
        "type": "string",
        "pattern": f"^(?:{KEY.pattern})$",
        "examples": ["9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"],
    },
    "description": "A UUID that you generate for each new request. Reuse it for every retry: the "
    "request is done once, and each retry returns the first response. Keys live 24 hours.",
}
_sorted = json.JSONEncoder(sort_keys=True)
REPLAYED_HEADER = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "There if this is the answer to an earlier request with the same key.",
    "example": "true",
}


class MalformedKey(Problem):
    status, slug, title = 400, "malformed-idempotency-key", "Malformed Idempotency-Key"
    detail = (
        "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces, quotes, "
        "backslashes and, unless it is quoted, commas. Send it once."
    )
    advice = "Use a new UUID for each thing that you want done."


def claim(session: Session, principal: Principal) -> Response | None:
    """Claim the key of the request, if it has one; return the first response if it was used before.

    Raises:
        MalformedKey: the header is not a key.
        IdempotencyKeyReused: the key was used with another request.
        RequestInFlight: a request with this key is still running.
    """
    if HEADER not in request.headers:
        return None
    stored = idempotency.claim(session, principal, _key(), _fingerprint())
    return _replay(stored) if stored else None


def store(session: Session, principal: Principal, response: Response) -> None:
    """Store a response under the key of the request, in the transaction that it describes."""
    if HEADER in request.headers:
        answer = idempotency.StoredResponse(
            response.status_code,
            response.get_data(),
            response.location,
            response.headers.get("ETag"),
        )
        idempotency.store(session, principal, _key(), answer)


def _key() -> str:
    match = KEY.fullmatch(request.headers[HEADER])
    if match is None:
        raise MalformedKey
    return match[1] or match[2]


def _fingerprint() -> bytes:
    """Of what is asked for: two spellings of one JSON value are one request."""
    try:
        body = _sorted.encode(json_body())
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).digest()


def _replay(answer: idempotency.StoredResponse) -> Response:
    headers = {REPLAYED: "true", "Location": answer.location, "ETag": answer.etag}
    return Response(
        answer.body,
        answer.status,
        {name: value for name, value in headers.items() if value},
        mimetype="application/json",
    )
