"""`X-Request-ID`: taken from the client if it is sane, made if not, always returned."""

import re
from random import getrandbits

from flask import Flask, Response, g, request

from schemas.problems import REQUEST_ID

HEADER = "X-Request-ID"
SANE = re.compile(REQUEST_ID)

DOCUMENTED = {
    HEADER: {
        "schema": {"type": "string", "pattern": f"^{SANE.pattern}$"},
        "description": "The id of the request, as the client sent it, or as one was made. It is in "
        "the log: name it when you ask for help.",
        "example": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        "required": True,
    }
}


def init_app(app: Flask) -> None:
    app.before_request(assign)
    app.after_request(answer)


def assign() -> None:
    given = request.headers.get(HEADER, "")
    # It has to be unique and not secret; the kernel's random bytes are a system call a request.
    g.request_id = given if SANE.fullmatch(given) else f"{getrandbits(128):032x}"


def answer(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
