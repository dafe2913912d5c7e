"""`Idempotency-Key`: a POST that may be retried without being done twice."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, make_response, request

from app.declarations import declared
from app.parser import MalformedBody, json_body
from services import idempotency
from services.errors import IdempotencyKeyReused, Problem, RequestInFlight

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
# The draft has a quoted string, most clients send it bare: they mean the same.
KEY = re.compile(r'"([!#-\[\]-~]{1,255})"|([!#-\[\]-~]{1,255})')
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string", "pattern": f"^(?:{KEY.pattern})$"},
    "description": "A key of your making, such as 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d, one for "
    "each thing that you want done. Repeat it when you retry, and it is done once: the first "
    "answer comes again. Keys live 24 hours.",
}
_sorted = json.JSONEncoder(sort_keys=True)
REPLAYED_HEADER = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "There if this is the answer to an earlier request with the same key.",
    "example": "true",
}


class MalformedKey(Problem):
    status, slug, title = 400, "malformed-idempotency-key", "Malformed Idempotency-Key"
    detail = "An Idempotency-Key is 1 to 255 printable ASCII characters without spaces."
    advice = "Use a new UUID for each thing that you want done."


class IdempotencyMixin:
    """Extends a Blueprint with `idempotent`."""

    ERRORS = (MalformedKey, IdempotencyKeyReused, RequestInFlight)

    @staticmethod
    def idempotent(method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare that the method takes an Idempotency-Key. Goes above `arguments`.

        The answer is kept in the method's own transaction; a refusal keeps nothing.
        """

        @wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if HEADER not in request.headers:
                return method(self, *args, **kwargs)
            key = _key()
            kept = idempotency.claim(self.connection, self.principal, key, _fingerprint())
            if kept:
                return _replay(kept)
            response = make_response(method(self, *args, **kwargs))
            idempotency.keep(self.connection, self.principal, key, _answer(response))
            return response

        return declared(wrapper, idempotent=True)

    @staticmethod
    def _prepare_idempotent_doc(doc: Any, doc_info: Any, **_: Any) -> Any:
        if "idempotent" in doc_info:
            doc.setdefault("parameters", []).append(PARAMETER)
            for status in doc_info["success_status_codes"]:
                headers = doc["responses"][status].setdefault("headers", {})
                headers[REPLAYED] = REPLAYED_HEADER
        return doc


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


def _answer(response: Response) -> idempotency.Answer:
    return idempotency.Answer(
        response.status_code, response.get_data(), response.location, response.headers.get("ETag")
    )


def _replay(answer: idempotency.Answer) -> Response:
    headers = {REPLAYED: "true", "Location": answer.location, "ETag": answer.etag}
    return Response(
        answer.body,
        answer.status,
        {name: value for name, value in headers.items() if value},
        mimetype="application/json",
    )
