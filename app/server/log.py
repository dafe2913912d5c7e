"""gunicorn's log (`logger_class`), written by loguru like all other lines of the service."""

from gunicorn.config import Config
from gunicorn.glogging import Logger

from app.observability.logging import InterceptHandler, configure
from app.settings import Settings, SettingsError


class ServerLogger(Logger):
    """Forwards gunicorn's error log to loguru."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        try:
            configure(Settings.load())
        except SettingsError:
            return  # gunicorn.conf.py reports it and ends the start
        self.error_log.handlers = [InterceptHandler()]
        self.error_log.propagate = False
