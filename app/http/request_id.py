"""`X-Request-ID`: a valid id of the client, otherwise a generated one."""

import re
from random import getrandbits

from flask import Flask, Response, g, request

from schemas.problems import REQUEST_ID
from services.key_format import KEY

HEADER = "X-Request-ID"
VALID = re.compile(REQUEST_ID)

DOCUMENTED = {
    HEADER: {
        "schema": {"type": "string", "pattern": f"^{VALID.pattern}$"},
        "description": "Id of the request, from the client or generated. The log contains it: give "
        "it to API support.",
        "example": "0b5dd6f2c0b14a67a1f3d1f0e5e0a1c4",
        "required": True,
    }
}


def init_app(app: Flask) -> None:
    app.before_request(assign)
    app.after_request(add_header)


def assign() -> None:
    given = request.headers.get(HEADER, "")
    is_usable = VALID.fullmatch(given) and not KEY.search(given)  # the log contains the id
    # The id must be unique, but not secret, so `getrandbits` is enough and needs no system call.
    g.request_id = given if is_usable else f"{getrandbits(128):032x}"


def add_header(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
