"""Logs (loguru): one line of JSON per message in production, colored text in development."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from traceback import format_exception
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Flask, Response, g, has_request_context, request
from loguru import logger

from app.observability.queue_time import start_time
from app.settings import Settings
from services.key_format import redacted

if TYPE_CHECKING:
    from loguru import Message, Record

READABLE = (
    "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> {message} <dim>{extra}</dim>"
)
LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
# A path is logged only if no route matches: at most MAX_PATH characters, percent-encoded except
# PATH_CHARACTERS.
MAX_PATH, PATH_CHARACTERS = 200, "/:@!$&'()*+,;="
# Returns the id of the current trace; app/observability/tracing.py sets it.
trace_id: Callable[[], str | None] | None = None


class InterceptHandler(logging.Handler):
    """Forwards messages of the standard library's loggers to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in LEVELS else record.levelno
        logger.opt(exception=record.exc_info).log(level, record.getMessage())


def configure(settings: Settings) -> None:
    """Send all logs of the process to standard error, as JSON in production."""
    logging.basicConfig(handlers=[InterceptHandler()], level=settings.log_level, force=True)
    for noisy in ("alembic.runtime", "werkzeug"):
        logging.getLogger(noisy).setLevel(
            max(logging.WARNING, logging.getLevelName(settings.log_level))
        )
    # These warnings contain invalid headers of webhook receivers, which can be megabytes long.
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
    logger.remove()
    # `diagnose=True` would log the values of variables, such as passwords and tokens.
    logger.add(
        write_json if settings.production else write,
        level=settings.log_level,
        format="{message}" if settings.production else READABLE,
        colorize=not settings.production and sys.stderr is not None and sys.stderr.isatty(),
        diagnose=False,
        backtrace=False,
    )
    logger.configure(patcher=add_context)


def add_context(record: Record) -> None:
    """Add the ids of the request and the trace to a message."""
    if has_request_context():
        record["extra"].setdefault("request_id", g.get("request_id"))
    if trace_id and (trace := trace_id()):
        record["extra"]["trace_id"] = trace


def write_json(message: Message) -> None:
    record = message.record
    line = {
        "time": record["time"].astimezone(UTC).isoformat(),
        "level": record["level"].name,
        "message": record["message"],
        **record["extra"],
    }
    if error := record["exception"]:
        line["exception"] = "".join(format_exception(error.type, error.value, error.traceback))
    write(f"{json.dumps(line, default=str)}\n")


def write(text: str) -> None:
    """Write to standard error, without secrets; ignore a full disk or a closed pipe."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.buffer.write(redacted(text).encode(errors="backslashreplace"))
        sys.stderr.buffer.flush()


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.before_request(start_clock)
    if logging.getLevelName(settings.log_level) <= logging.INFO:
        app.after_request(log_request)


def start_clock() -> None:
    g.started = start_time(request.environ)


def log_request(response: Response) -> Response:
    """Log a request with its route instead of its URL, which may contain personal data."""
    rule = request.url_rule
    path = {} if rule else {"path": quote(redacted(request.path), PATH_CHARACTERS)[:MAX_PATH]}
    logger.bind(
        user=g.get("user_id"),
        key=g.get("api_key_id"),
        method=request.method,
        route=rule.rule if rule else None,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        **path,
    ).info("request")
    return response
