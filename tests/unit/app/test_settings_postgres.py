"""PostgreSQL URLs of the settings: parsed with libpq, without connecting."""

import pytest

from app.db.connections import connect_args
from app.settings import Settings, SettingsError

DEVELOPMENT = {"FLASK_ENV": "development", "SECRET_KEY": "short"}
# URLs, and the parameters of psycopg2.
URLS = [
    ("postgresql://u:p@h/db", {"user": "u", "password": "p", "host": "h", "dbname": "db"}),
    ("postgresql://h:5433/db", {"host": "h", "port": "5433", "dbname": "db"}),
    ("postgresql:///db", {"dbname": "db"}),
    ("postgresql://h/", {"host": "h"}),
    ("postgresql://h:/db", {"host": "h", "dbname": "db"}),
    ("postgresql://[::1]:5433/db", {"host": "::1", "port": "5433", "dbname": "db"}),
    (
        "postgres://u@h1:5432,h2:5433/db?target_session_attrs=read-write",
        {
            "user": "u",
            "host": "h1,h2",
            "port": "5432,5433",
            "dbname": "db",
            "target_session_attrs": "read-write",
        },
    ),
    ("postgresql://h1,h2/db", {"host": "h1,h2", "dbname": "db"}),
    ("postgresql://h1,h2:5433/db", {"host": "h1,h2", "port": ",5433", "dbname": "db"}),
    (
        "postgresql://[::1]:5432,[::2]:5433/db",
        {"host": "::1,::2", "port": "5432,5433", "dbname": "db"},
    ),
    (
        "postgresql:///db?host=h1,h2&port=5433",
        {"host": "h1,h2", "port": "5433", "dbname": "db"},
    ),
    ("postgresql:///db?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "db"}),
    ("postgresql://%2Frun%2Fpostgresql/db", {"host": "/run/postgresql", "dbname": "db"}),
    (
        "postgresql://u@/db?host=/cloudsql/p:r:i",
        {"user": "u", "host": "/cloudsql/p:r:i", "dbname": "db"},
    ),
    ("postgresql://h/db?ssl=true", {"host": "h", "dbname": "db", "sslmode": "require"}),
    ("postgresql://h/db?sslmode=", {"host": "h", "dbname": "db"}),
    (
        "postgresql://h/db?user=u&password=p",
        {"host": "h", "dbname": "db", "user": "u", "password": "p"},
    ),
    (
        "postgresql://u:p%40%2F%20s@h/db",
        {"user": "u", "password": "p@/ s", "host": "h", "dbname": "db"},
    ),
    (
        "postgresql://h/db?application_name=a%40b&connect_timeout=9",
        {"host": "h", "dbname": "db", "application_name": "a@b", "connect_timeout": "9"},
    ),
    (
        "postgresql://h/db?options=-csearch_path%3Dshop%20-c%20jit%3Doff",
        {"host": "h", "dbname": "db", "options": "-csearch_path=shop -c jit=off"},
    ),
    (
        "postgresql://h/db?options=-c+jit%3Doff",
        {"host": "h", "dbname": "db", "options": "-c jit=off"},
    ),
    (
        "postgresql://h/db?client_encoding=utf-8",
        {"host": "h", "dbname": "db", "client_encoding": "utf-8"},
    ),
]
BAD_URLS = [
    ("mysql://h/db", "must start with postgresql:// or postgres://"),
    ("postgresql+asyncpg://h/db", "must start with postgresql:// or postgres://"),
    ("host=h dbname=db", "must start with postgresql:// or postgres://"),
    ("postgresql:h/db", "must start with postgresql:// or postgres://"),
    ("postgresql://h/db?schema=public", "does not accept: schema."),
    ("postgresql://h/db?pgbouncer=true", "does not accept: pgbouncer."),
    ("postgresql://h/db?sslmode=require&pool=5&x=1", "does not accept: pool."),
    ("postgresql://h/db?ssl=1", "does not accept: ssl."),
    ("postgresql://h/db?prepared", "does not accept: prepared."),
    ("postgresql://u:s3cret@w@h/db", "must be a libpq URL"),
    ("postgresql://u:s3c?ret/s3cret@h/db", "must be a libpq URL"),
    ("postgresql://[::1/db", "must be a libpq URL"),
    ("postgresql://a b/db", "must be a libpq URL"),
    ("postgresql://h:port/db", "must be a libpq URL"),
    ("postgresql://h/db?connect_timeout=3s", "connect_timeout must be an integer"),
    ("postgresql://h/db?keepalives_idle=x", "keepalives_idle must be an integer"),
    ("postgresql://h:0/db", "invalid "),
    ("postgresql://h:65536/db", "invalid "),
    ("postgresql:///db?host=h1&port=1,2", "could not match 2 port numbers to 1 hosts"),
    ("postgresql://h/db?sslmode=maybe", 'invalid sslmode value: "maybe"'),
    ("postgresql://h/db?target_session_attrs=rw", 'invalid target_session_attrs value: "rw"'),
    ("postgresql://h/db?service=nowhere", 'definition of service "nowhere" not found'),
]


def load(url, name="DATABASE_URL"):
    return Settings.load({**DEVELOPMENT, "DATABASE_URL": "postgresql://h/db", name: url})


@pytest.mark.parametrize(("url", "parameters"), URLS)
def test_psycopg2_gets_the_parameters_of_libpq(url, parameters):
    expected = {"options": "", **parameters, "client_encoding": "UTF8"}

    assert connect_args(load(url).database_url) == expected


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_REPLICA_URL"])
@pytest.mark.parametrize(("url", "reason"), BAD_URLS)
def test_invalid_url_is_rejected_with_the_reason(url, reason, name):
    with pytest.raises(SettingsError) as caught:
        load(url, name)

    assert f"  {name}: " in str(caught.value)
    assert reason in str(caught.value)
    assert "s3c" not in str(caught.value)


def test_parsing_is_idempotent():
    for url, _ in URLS:
        once = load(url).database_url

        assert load(once).database_url == once
