"""`X-Request-ID`: taken from the client if it is sane, made if not, always returned."""

import re
from uuid import uuid4

from flask import Flask, Response, g, request

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")


def init_app(app: Flask) -> None:
    app.before_request(assign)
    app.after_request(answer)


def assign() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if SANE.fullmatch(given) else uuid4().hex


def answer(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
