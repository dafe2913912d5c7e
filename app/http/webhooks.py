"""Rules for webhook receivers, from the settings."""

from flask import current_app

from app.settings import Settings
from services.webhook_addresses import AddressRules


def address_rules() -> AddressRules:
    """Return the rules for the URLs of webhook endpoints and the addresses of their hosts."""
    settings: Settings = current_app.extensions["settings"]
    return AddressRules(
        https_only=settings.production,
        ports=frozenset(settings.webhook_ports),
        networks=tuple(settings.webhook_allowed_networks),
    )
