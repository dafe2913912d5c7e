"""gunicorn's own log, as lines of the service's."""

from gunicorn.config import Config
from gunicorn.glogging import Logger

from app.observability.logging import Intercepted, configure
from app.settings import Settings, SettingsError


class ServerLogger(Logger):
    """Passes on what gunicorn has to say; set as its `logger_class`."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        try:
            configure(Settings.load())
        except SettingsError:
            return  # which stops the start, and is told there
        self.error_log.handlers = [Intercepted()]
        self.error_log.propagate = False
