"""PostgreSQL URLs: parsed and validated with libpq, without connecting."""

import re
from collections import Counter
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import psycopg2
from marshmallow import ValidationError, fields
from psycopg2.extensions import make_dsn, parse_dsn
from sqlalchemy.engine import URL

SCHEMES = {"postgres", "postgresql", "postgresql+psycopg2"}
FORM = (
    "must be a URL such as postgresql://user:pass@host/db, with @ : / ? and % of the password "
    "as %40 %3A %2F %3F and %25."
)
PASSWORD = re.compile(r"(?<=:)([^@]*)(?=@)")
INTEGERS = re.compile(r"connect_timeout|tcp_user_timeout|keepalives\w*")
HOST = re.compile(r"[/@].+|[^/@:\s]*")
OPTION = re.compile(r"(?:^|\s)(?:-c\s*|--)([\w.-]+)")
# The code depends on these; the service has settings for timeouts.
RESERVED = ("client_encoding", "timezone")


class PostgresURL(fields.String):
    """Field that converts a libpq URL to a URL of SQLAlchemy for psycopg2."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        scheme, separator, rest = super()._deserialize(value, *args, **kwargs).partition("://")
        if scheme not in SCHEMES or not separator:
            raise ValidationError("must start with postgresql:// or postgres://.")
        parameters = parse(rest)
        check_servers(parameters)
        check_session(parameters)
        check_values(parameters)
        return to_sqlalchemy(parameters).render_as_string(hide_password=False)


def parse(rest: str) -> dict[str, str]:
    """Return the libpq parameters of a URL without its scheme.

    Raises:
        ValidationError: libpq rejects it. libpq's own message could contain the password.
    """
    if not rest.isprintable():
        raise ValidationError(FORM)
    check_names(rest)
    try:
        parsed = parse_dsn(f"postgresql://{encode(rest)}")
    except (psycopg2.ProgrammingError, ValueError):
        raise ValidationError(FORM) from None
    return {name: value for name, value in parsed.items() if value.strip(",")}


def check_names(rest: str) -> None:
    """Reject unknown parameters, and repeated ones, of which libpq would use the last."""
    _, _, query = rest.partition("?")
    if "@" in query:  # the ? may be part of a password
        return
    names = Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    if unknown := [name for name in names if not is_known(name)]:
        raise ValidationError(f"has parameters that libpq does not know: {', '.join(unknown)}.")
    if repeated := [name for name, times in names.items() if times > 1]:
        raise ValidationError(f"has {', '.join(repeated)} twice.")


def encode(rest: str) -> str:
    """Encode a `+` in the query and a password such as `a/b` or `50%`.

    libpq then reads them as SQLAlchemy does.
    """
    server, mark, query = rest.partition("?")
    server = PASSWORD.sub(lambda match: quote(unquote(match[1]), safe=""), server, count=1)
    return f"{server}{mark}{query.replace('+', '%20')}"


def is_known(name: str) -> bool:
    try:
        parse_dsn(f"postgresql:///?{quote(name)}=true")
    except (psycopg2.ProgrammingError, ValueError):
        return False
    return True


def check_servers(parameters: dict[str, str]) -> None:
    for host in parameters.get("host", "").split(","):
        if not (HOST.fullmatch(host) or is_ipv6(host)):
            raise ValidationError(FORM)
    for port in parameters.get("port", "").split(","):
        if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
            raise ValidationError("must have a port from 1 to 65535.")


def is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def check_session(parameters: dict[str, str]) -> None:
    """Refuse what contradicts the settings or the code; other options are kept."""
    if "replication" in parameters:
        raise ValidationError("must not set replication.")
    hosts, addresses = (parameters.get(name, "").count(",") for name in ("host", "hostaddr"))
    if parameters.get("hostaddr") and parameters.get("host") and hosts != addresses:
        raise ValidationError("must have as many hostaddr as host.")
    encoding = parameters.get("client_encoding", "UTF8")
    if encoding.upper().replace("-", "") != "UTF8":
        raise ValidationError("client_encoding must be UTF8.")
    options = OPTION.findall(parameters.get("options", ""))
    for name in (option.lower().replace("-", "_") for option in options):
        if name in RESERVED or name.endswith("_timeout"):
            raise ValidationError(
                f"must not set {name} in its options; see the settings DATABASE_*_TIMEOUT."
            )


def check_values(parameters: dict[str, str]) -> None:
    """Reject values that libpq rejects.

    libpq validates them when it connects, so this connects to a socket that cannot exist.
    """
    for name, value in parameters.items():
        if INTEGERS.fullmatch(name) and not re.fullmatch(r"-?[0-9]{1,9}", value):
            raise ValidationError(f"{name} must be an integer.")
    count = parameters.get("host", "").count(",") + 1
    nowhere = {"host": ",".join(["/dev/null"] * count), "hostaddr": None}
    try:
        psycopg2.connect(make_dsn(**{**parameters, **nowhere}))
    except psycopg2.OperationalError as error:
        reason = str(error).partition("\n")[0]
        if not reason.startswith("connection to server on socket"):
            raise ValidationError(f"libpq: {reason}.") from None


def to_sqlalchemy(parameters: dict[str, str]) -> URL:
    """Return the URL, with host lists and socket folders in the query, as SQLAlchemy needs."""
    rest = dict(parameters)
    user, password, name = (rest.pop(key, None) for key in ("user", "password", "dbname"))
    url = URL.create("postgresql+psycopg2", user, password, database=name)
    host, port = rest.get("host", ""), rest.get("port", "")
    hosts = host.count(",") + 1
    if hosts > 1 and port.isdecimal():
        rest["port"] = ",".join([port] * hosts)  # libpq uses one port for all hosts
    elif hosts == 1 and host and host[0] not in "/@":
        del rest["host"]
        url = url.set(host=host, port=int(rest.pop("port", 0)) or None)
    return url.set(query=rest)
