"""PostgreSQL URLs of the settings: parsed with libpq, without connecting."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.settings import Settings, SettingsError

DEVELOPMENT = {"FLASK_ENV": "development", "SECRET_KEY": "short"}
# URLs, and the parameters of psycopg2.
URLS = [
    ("postgresql://u:p@h/db", {"user": "u", "password": "p", "host": "h", "dbname": "db"}),
    ("postgresql://h:5433/db", {"host": "h", "port": 5433, "dbname": "db"}),
    ("postgresql:///db", {"dbname": "db"}),
    ("postgresql://h/", {"host": "h"}),
    ("postgresql://h:/db", {"host": "h", "dbname": "db"}),
    ("postgresql://[::1]:5433/db", {"host": "::1", "port": 5433, "dbname": "db"}),
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
    ("postgresql://h1,h2/db", {"host": "h1,h2", "port": ",", "dbname": "db"}),
    ("postgresql://h1,h2:5433/db", {"host": "h1,h2", "port": ",5433", "dbname": "db"}),
    (
        "postgresql://[::1]:5432,[::2]:5433/db",
        {"host": "::1,::2", "port": "5432,5433", "dbname": "db"},
    ),
    (
        "postgresql:///db?host=h1,h2&port=5433",
        {"host": "h1,h2", "port": "5433,5433", "dbname": "db"},
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
    # psql rejects these passwords, and SQLAlchemy accepts them.
    ("postgresql://u:a/b@h/db", {"user": "u", "password": "a/b", "host": "h", "dbname": "db"}),
    ("postgresql://u:1/b@h/db", {"user": "u", "password": "1/b", "host": "h", "dbname": "db"}),
    ("postgresql://u:50%@h/db", {"user": "u", "password": "50%", "host": "h", "dbname": "db"}),
    ("postgresql://u:a:b#c@h/db", {"user": "u", "password": "a:b#c", "host": "h", "dbname": "db"}),
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
    ("postgresql://h/db?schema=public", "libpq does not know: schema."),
    ("postgresql://h/db?pgbouncer=true", "libpq does not know: pgbouncer."),
    ("postgresql://h/db?sslmode=require&pool=5&x=1", "libpq does not know: pool, x."),
    ("postgresql://h/db?ssl=1", "must be a URL"),
    ("postgresql://h/db?prepared", "libpq does not know: prepared."),
    ("postgresql://h/db\nx", "must be a URL"),
    ("postgresql://h/d\0b", "must be a URL"),
    ("postgresql://u:s3cret@w@h/db", "must be a URL"),
    ("postgresql://u:s3c?ret/s3cret@h/db", "must be a URL"),
    ("postgresql://[::1/db", "must be a URL"),
    ("postgresql://a b/db", "must be a URL"),
    ("postgresql://h:port/db", "must have a port"),
    ("postgresql://h:0/db", "must have a port"),
    ("postgresql://h:65536/db", "must have a port"),
    ("postgresql://h1:1,h2:x/db", "must have a port"),
    ("postgresql:///db?host=h1&port=1,2", "could not match 2 port numbers to 1 hosts"),
    ("postgresql:///db?host=h1:1&host=h2:2", "has host twice"),
    ("postgresql:///db?host=h1:1", "must be a URL"),
    ("postgresql://h/db?sslmode=require&sslmode=disable", "has sslmode twice"),
    ("postgresql://h/db?sslmode=maybe", 'invalid sslmode value: "maybe"'),
    ("postgresql://h/db?target_session_attrs=rw", 'invalid target_session_attrs value: "rw"'),
    ("postgresql://h/db?connect_timeout=3s", "connect_timeout must be an integer"),
    ("postgresql://h/db?keepalives_idle=x", "keepalives_idle must be an integer"),
    ("postgresql://h/db?service=nowhere", 'definition of service "nowhere" not found'),
    ("postgresql://h/db?client_encoding=latin1", "client_encoding must be UTF8"),
    ("postgresql://h/db?options=-cclient_encoding%3Dlatin1", "must not set client_encoding"),
    ("postgresql://h/db?options=-c%20TimeZone%3DCET", "must not set timezone"),
    (
        "postgresql://h/db?options=-cjit%3Doff%20--statement-timeout%3D9",
        "must not set statement_timeout",
    ),
    ("postgresql://h/db?options=-c%20lock_timeout%20%3D9", "must not set lock_timeout"),
    ("postgresql://h/db?options=-c%20transaction_timeout%3D1", "must not set transaction_timeout"),
    ("postgresql://h/db?replication=true", "must not set replication"),
    ("postgresql://h1,h2/db?hostaddr=127.0.0.1", "the same number of hostaddr and host values"),
]


def load(url, name="DATABASE_URL"):
    return Settings.load({**DEVELOPMENT, "DATABASE_URL": "postgresql://h/db", name: url})


@pytest.mark.parametrize(("url", "parameters"), URLS)
def test_psycopg2_gets_the_parameters_of_libpq(url, parameters):
    engine = create_engine(load(url).database_url)

    assert engine.dialect.create_connect_args(engine.url) == ([], parameters)


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

        assert make_url(load(once).database_url) == make_url(once)
