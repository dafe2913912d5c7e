"""Pagination with signed cursors (keyset pagination)."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import current_app, request
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from marshmallow import Schema

from app.http.operation import declare
from app.settings import Settings
from schemas.pages import page_of
from services.errors import InvalidInput
from services.pages import Page, PageRequest, Position

# Increase the number when the content of cursors changes, so that older cursors become invalid.
FORMAT = "cursor 2"


class PaginationMixin:
    """Adds `paginated` to a Blueprint."""

    def paginated(
        self: Any, query: type[Schema], item: type[Schema], *, resumable: bool = False
    ) -> Callable[..., Any]:
        """Declare a paginated list of `item`, with the filters of the schema `query`.

        The method receives a `PageRequest` and a dict of filters, and returns a `Page`. With
        `resumable`, for a list that only grows at its end, the response also has `resume_cursor`.
        """

        def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(method)
            def wrapper(resource: Any, filters: dict[str, Any], **path: Any) -> Any:
                limit, cursor = filters.pop("limit"), filters.pop("cursor")
                page = PageRequest(limit, cursor and _decoded(cursor))
                return _response(method(resource, page, filters, **path), resumable)

            respond = self.response(200, page_of(item, resumable=resumable))
            return declare(
                self.arguments(query, location="query")(respond(wrapper)), paginated=True
            )

        return decorate


def _response(page: Page, resumable: bool) -> tuple[dict[str, Any], dict[str, str]]:
    cursor = page.next and _encoded(page.next)
    headers = {}
    if cursor:
        query = urlencode({**request.args, "cursor": cursor})
        headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    body = {"items": page.items, "next_cursor": cursor}
    if resumable:
        body["resume_cursor"] = page.end and _encoded(page.end)
    return body, headers


def _signer() -> Signer:
    settings: Settings = current_app.extensions["settings"]
    filters = {k: v for k, v in sorted(request.args.items()) if k not in {"cursor", "limit"}}
    context = f"{request.endpoint} {urlencode({**filters, **(request.view_args or {})})}"
    # The salt makes a cursor valid only for one format, one list and one set of filters.
    keys = [*reversed(settings.secret_key_fallbacks), settings.secret_key]
    return Signer(keys, salt=f"{FORMAT} {context}")


def _encoded(position: Position) -> str:
    return _signer().sign(base64_encode(orjson.dumps(position))).decode()


def _decoded(cursor: str) -> Position:
    try:
        return tuple(orjson.loads(base64_decode(_signer().unsign(cursor))))
    except BadData:
        text = "Not a valid cursor of this list with these filters."
        raise InvalidInput.at(["/cursor"], text) from None
