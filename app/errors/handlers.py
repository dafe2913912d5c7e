"""Error handlers: render every exception as a problem document (RFC 9457)."""

from typing import Any

from blinker import Signal
from flask import Flask, Response, g, json
from loguru import logger
from psycopg2.errors import (
    DeadlockDetected,
    LockNotAvailable,
    QueryCanceled,
    ReadOnlySqlTransaction,
    SerializationFailure,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import RoutingException

from app.db.database import is_retryable
from app.errors.http_errors import BY_STATUS, MEDIA_TYPE, TYPE_PREFIX, Unavailable
from services.errors import Problem

# Sends each `Problem` before it is rendered.
problem_rendered = Signal()


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_exception)


def from_exception(error: Exception) -> Response | HTTPException:
    """Return the response for an exception that is not an HTTPException."""
    if isinstance(error, Problem):
        return from_problem(error)
    if _is_outage(error):
        logger.warning("{}: {}", cause_of(error), " ".join(str(error).split()))
        return from_problem(Unavailable())
    logger.opt(exception=error).error("Unexpected exception")
    return from_http(InternalServerError())


def from_problem(problem: Problem) -> Response:
    problem_rendered.send(problem)
    return document(
        problem.status,
        TYPE_PREFIX + problem.slug,
        problem.title,
        str(problem),
        problem.headers,
        problem.extension_members,
    )


def from_http(error: HTTPException) -> Response | HTTPException:
    """Return the response for an error of Werkzeug, Flask or an extension, with its headers."""
    if isinstance(error, RoutingException):
        return error
    original = getattr(error, "original_exception", None)
    if isinstance(original, Exception):
        return from_exception(original)
    status = error.code or 500
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    kind = BY_STATUS.get(status)
    if kind is None:  # `about:blank`: RFC 9457, section 4.2.1
        title = HTTP_STATUS_CODES.get(status, "Error")
        return document(status, "about:blank", title, error.description or title, headers)
    # Werkzeug's default descriptions do not help an API consumer.
    own = error.description if error.description != type(error).description else None
    return document(status, TYPE_PREFIX + kind.slug, kind.title, own or kind.detail, headers)


def document(
    status: int,
    type_: str,
    title: str,
    detail: str,
    headers: dict[str, str],
    extension_members: dict[str, Any] | None = None,
) -> Response:
    body = {
        "type": type_,
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": g.get("request_id", ""),
        **(extension_members or {}),
    }
    return Response(json.dumps(body), status, headers, mimetype=MEDIA_TYPE)


# SQLSTATE: connection exception, insufficient resources, operator intervention, read-only.
OUTAGES = ("08", "53", "57", "25006")
CAUSES: dict[type[Exception], str] = {
    LockNotAvailable: "A lock was not released in time",
    QueryCanceled: "A statement reached its timeout",
    ReadOnlySqlTransaction: "PostgreSQL is read-only",
    DeadlockDetected: "All retries ended in a conflict",
    SerializationFailure: "All retries ended in a conflict",
    StaleDataError: "All retries ended in a conflict",
    PoolTimeout: "The connection pool is used up",
}


def cause_of(error: Exception) -> str:
    """Return the cause of an outage, for the log."""
    original = getattr(error, "orig", None) or error
    return CAUSES.get(type(original), "PostgreSQL is unavailable or overloaded")


def _is_outage(error: Exception) -> bool:
    """Return True for failed connections, timeouts and exhausted retries."""
    if isinstance(error, PoolTimeout) or is_retryable(error):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "pgcode", None)
    if code is None:  # libpq lost the connection or could not connect
        broken = isinstance(error, (OperationalError, InterfaceError))
        return broken or error.connection_invalidated
    return code.startswith(OUTAGES) or isinstance(error.orig, LockNotAvailable)
