"""gunicorn's `logger_class`: sends the log of gunicorn to loguru."""

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
            return  # gunicorn.conf.py reports the error and exits
        self.error_log.handlers = [InterceptHandler()]
        self.error_log.propagate = False
