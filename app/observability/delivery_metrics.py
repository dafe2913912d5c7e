"""Server of `/metrics` in a process that delivers webhooks or sends mails."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread

from flask import Flask
from psycopg2 import Error as DriverError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app.settings import Settings, SettingsError

SAMPLE_SECONDS = 5.0
AUTOCOMMIT = {"autocommit": True}

Sample = Callable[[Session], None]


def start(app: Flask, *, webhooks: bool = False, mails: bool = False) -> None:
    """If `METRICS_PORT` is set, serve `/metrics` on it and start to measure the backlogs.

    Raises:
        SettingsError: the port is in use.
    """
    settings: Settings = app.extensions["settings"]
    if not settings.metrics_port:
        return
    # Imported here, because prometheus_client is not needed without the port.
    from app.observability import mail_metrics, webhook_metrics

    serve(settings.metrics_port)
    samples = [webhook_metrics.sample] * webhooks + [mail_metrics.sample] * mails
    arguments = (app.extensions["sessions"], samples)
    Thread(target=sample_forever, args=arguments, name="metrics", daemon=True).start()


def serve(port: int) -> None:
    from prometheus_client import start_http_server

    try:
        start_http_server(port)
    except OSError as error:
        raise SettingsError(f"METRICS_PORT: cannot listen on {port}: {error}") from error


def sample_forever(sessions: sessionmaker[Session], samples: Sequence[Sample]) -> None:
    """Update the gauges every five seconds; keep their values while PostgreSQL is unavailable."""
    while True:
        for sample in samples:
            # Ignore errors of PostgreSQL: the deliverer and the mail sender log them.
            with suppress(SQLAlchemyError, DriverError), sessions(info=AUTOCOMMIT) as session:
                sample(session)
        time.sleep(SAMPLE_SECONDS)
