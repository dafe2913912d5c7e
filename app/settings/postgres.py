"""PostgreSQL URLs in settings: libpq parses and validates them without a connection."""

import re
from typing import Any

import psycopg2
from marshmallow import ValidationError, fields
from psycopg2.extensions import make_dsn, parse_dsn

# The scheme selects the driver of SQLAlchemy.
SCHEME = "postgresql+psycopg2"
# Rejects the part of a password after an @, which libpq takes as a host and would send to DNS.
HOST = re.compile(r"[/@].+|[\w.:-]*")
DIGITS = re.compile("[0-9]*")
INTEGERS = re.compile(r"connect_timeout|tcp_user_timeout|keepalives\w*")
SCHEMES = {"postgres", "postgresql", SCHEME}
FORM = (
    "must be a libpq URL such as postgresql://user:pass@host/db, with @ : / ? and % of the "
    "password as %40 %3A %2F %3F and %25."
)


class PostgresURL(fields.String):
    """Field of a libpq URL."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        scheme, separator, rest = super()._deserialize(value, *args, **kwargs).partition("://")
        if scheme not in SCHEMES or not separator:
            raise ValidationError("must start with postgresql:// or postgres://.")
        url = f"{SCHEME}://{rest}"
        try:
            check_values(parameters(url))
        except (psycopg2.ProgrammingError, ValueError) as error:
            raise ValidationError(reason(rest, error)) from None
        return url


def reason(rest: str, error: Exception) -> str:
    """Return an error text without the message of libpq, which could contain the password."""
    found = re.search(r'URI query parameter: "(\w+)"', str(error))
    if found and "@" not in rest.partition("?")[2]:
        return f"has a parameter that libpq does not accept: {found[1]}."
    return FORM


def parameters(url: str) -> dict[str, str]:
    """Return the libpq parameters of a URL.

    Raises:
        psycopg2.ProgrammingError: libpq rejects the URL.
    """
    server, mark, query = url.replace(SCHEME, "postgresql", 1).partition("?")
    # SQLAlchemy encodes a space in a query as `+`, which libpq does not decode.
    parsed = parse_dsn(f"{server}{mark}{query.replace('+', '%20')}")
    return {name: value for name, value in parsed.items() if value.strip(",")}


def check_values(given: dict[str, str]) -> None:
    """Raise a ValidationError for values that libpq rejects.

    libpq validates values only when it connects, so this function connects to a socket that cannot
    exist.
    """
    hosts = given.get("host", "").split(",")
    ports = given.get("port", "").replace(",", "")
    is_part_of_password = "@" in given.get("dbname", "") or not DIGITS.fullmatch(ports)
    if is_part_of_password or not all(map(HOST.fullmatch, hosts)):
        raise ValidationError(FORM)
    for name, value in given.items():
        # libpq validates these numbers only when a server responds.
        if INTEGERS.fullmatch(name) and not re.fullmatch("-?[0-9]{1,9}", value):
            raise ValidationError(f"{name} must be an integer.")
    nowhere = {"host": ",".join(["/dev/null"] * len(hosts)), "hostaddr": None}
    try:
        psycopg2.connect(make_dsn(**{**given, **nowhere}))
    except psycopg2.OperationalError as error:
        reason = str(error).partition("\n")[0]
        if not reason.startswith("connection to server on socket"):
            raise ValidationError(f"libpq: {reason}.") from None
