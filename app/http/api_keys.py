"""API keys in requests: read the `Authorization` header, and reject keys in URLs."""

from typing import Any
from urllib.parse import unquote

from flask import Flask, Response, current_app, g, request
from loguru import logger
from sqlalchemy import Row

from app.db.database import database
from services import api_keys
from services.errors import InvalidToken, Problem
from services.key_format import KEY, PREFIX, digest, has_valid_checksum

MAX_KNOWN_KEYS = 4096  # per process; about 0.3 KiB each
SCHEME = "Bearer "


class ExposedAPIKey(Problem):
    status, slug, title = 400, "exposed-api-key", "API key in the URL"
    detail = "The URL contains an API key. Revoke this key, and send keys in Authorization only."
    advice = (
        "Proxies, browsers and logs store URLs, so the key is no longer secret. Revoke it with "
        "`DELETE /api/api-keys/{api_key_id}`, create a new one, and send it as `Authorization: "
        "Bearer fak_…`."
    )


def init_app(app: Flask) -> None:
    app.extensions["known_api_keys"] = {}
    app.before_request(refuse_in_url)
    app.after_request(record_use)


def refuse_in_url() -> None:
    query = unquote(request.query_string.decode("latin-1"))
    if KEY.search(request.path) or KEY.search(query):
        raise ExposedAPIKey


def sent_digest() -> bytes | None:
    """Return the digest of the API key in the `Authorization` header; None without an API key.

    Raises:
        InvalidToken: the checksum of the key is wrong.
    """
    header = request.headers.get("Authorization", "")
    if not header.startswith(SCHEME + PREFIX):
        return None
    key = header.removeprefix(SCHEME)
    if not has_valid_checksum(key):
        raise InvalidToken
    return digest(key)


def known_key_id() -> str | None:
    """Return the id of the API key, if this process has authenticated it before.

    The rate limit needs the id before the first query. A forged key has no id.
    """
    try:
        known_id: str | None = current_app.extensions["known_api_keys"].get(sent_digest())
    except InvalidToken:
        return None
    return known_id


def remember(key_digest: bytes, owner: Row[Any]) -> None:
    """Store the id for `known_key_id`, and whether `record_use` must write."""
    known: dict[bytes, str] = current_app.extensions["known_api_keys"]
    if len(known) >= MAX_KNOWN_KEYS:
        known.clear()
    known[key_digest] = owner.api_key_id
    g.use_is_outdated = owner.use_is_outdated


def record_use(response: Response) -> Response:
    """Record the use of an API key in a separate transaction, also after an error response.

    If this fails, the response does not change. While the connection pool is used up, the use is
    not recorded; a later request records it.
    """
    pool = current_app.extensions["database"].pool
    if g.pop("use_is_outdated", False) and pool.checkedout() < pool.size():
        try:
            with database.transaction() as session:
                api_keys.record_use(session, g.api_key_id)
        except Exception as error:
            logger.warning("The use of an API key was not recorded: {}", type(error).__name__)
    return response
