"""The version of the service, as it is tagged and told."""

__version__ = "1.0.0"
