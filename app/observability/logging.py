"""Logs: one line of JSON a request in production, readable colours in development (loguru)."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from traceback import format_exception
from types import FrameType
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Response, g, has_request_context, request
from loguru import logger

from app.settings import Settings

if TYPE_CHECKING:
    from loguru import Message, Record

READABLE = (
    "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> {message} " "<dim>{extra}</dim>"
)


class Intercepted(logging.Handler):
    """Passes what libraries log by the standard library on to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        frame: FrameType | None = logging.currentframe()
        depth = 2
        while frame and frame.f_code.co_filename == logging.__file__:
            frame, depth = frame.f_back, depth + 1
        level = record.levelname if record.levelname in LEVELS else record.levelno
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


# Tells the trace; app/observability/tracing.py sets it.
trace_id: Callable[[], str | None] | None = None
LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}


def configure(settings: Settings) -> None:
    """Send all logs of the process to standard error, in the form that the environment wants."""
    logging.basicConfig(handlers=[Intercepted()], level=settings.log_level, force=True)
    for noisy in ("alembic.runtime", "werkzeug"):
        logging.getLogger(noisy).setLevel(
            max(logging.WARNING, logging.getLevelName(settings.log_level))
        )
    logger.remove()
    # diagnose would print the values of variables, passwords and tokens among them.
    logger.add(
        write_record if settings.production else sys.stderr,
        level=settings.log_level,
        format="{message}" if settings.production else READABLE,
        diagnose=False,
        backtrace=False,
    )
    logger.configure(patcher=name_request)


def name_request(record: Record) -> None:
    """Every line that is written during a request names it."""
    if has_request_context():
        record["extra"].setdefault("request_id", g.get("request_id"))
    record["extra"].update(traced())


def traced() -> dict[str, str]:
    """The trace that a line belongs to, where there are traces."""
    trace = trace_id() if trace_id else None
    return {"trace_id": trace} if trace else {}


def write_record(message: Message) -> None:
    """What loguru was told, a traceback and all."""
    record = message.record
    extra = dict(record["extra"])
    if error := record["exception"]:
        extra["exception"] = "".join(format_exception(error.type, error.value, error.traceback))
    write_json(record["level"].name, record["message"], extra)


def write_json(level: str, message: str, extra: dict[str, Any]) -> None:
    """Write one line of JSON."""
    line = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message, **extra}
    try:
        encoded = orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a text that UTF-8 can't hold
        encoded = f"{json.dumps(line, default=str)}\n".encode()
    # A line that nobody takes, on a full disk or into a closed pipe, must not cost the answer.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.buffer.write(encoded)
        sys.stderr.buffer.flush()


def init_app(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    app.before_request(start_clock)
    if logging.getLevelName(settings.log_level) <= logging.INFO:
        app.after_request(log_request_as_json if settings.production else log_request)


def start_clock() -> None:
    g.started = time.perf_counter()


def log_request(response: Response) -> Response:
    logger.bind(**described(response)).info("request")
    return response


def log_request_as_json(response: Response) -> Response:
    """Not by loguru, whose record of where a line comes from costs a quarter of a health check."""
    write_json("INFO", "request", {**described(response), "request_id": g.request_id, **traced()})
    return response


def described(response: Response) -> dict[str, Any]:
    rule = request.url_rule
    return {
        "user": g.get("user_id"),
        "method": request.method,
        # The template and never the URL, which may hold personal data.
        "route": rule.rule if rule else None,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.started) * 1000, 1),
    }
