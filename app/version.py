"""Version of the service, equal to the Git tag."""

__version__ = "1.0.0"
