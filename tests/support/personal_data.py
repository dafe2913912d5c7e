"""A person with recognizable data, and a search for these data in all tables."""

from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from tests.support.api_keys import new_key
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

EMAIL, NAME, PHONE = "ada@lovelace.example", "Ada Lovelace", "+441632960077"
KEY_NAME, IP_ADDRESS, USER_AGENT = "Ada's laptop", "203.0.113.77", "Analytical Engine/1.0"
ACCOUNT = {"email": EMAIL, "password": PASSWORD, "name": NAME, "phone": PHONE}
DATA = (EMAIL, NAME, PHONE, KEY_NAME, IP_ADDRESS, USER_AGENT)
COLUMNS = text("""
    SELECT table_name, column_name, data_type
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
    """)


def found(connection: Connection | Session, *values: str) -> dict[str, set[str]]:
    """Return for each value the columns, in all tables, that contain the value."""
    columns = connection.execute(COLUMNS).all()
    assert len(columns) > 40
    return {
        value: {
            f"{table}.{column}"
            for table, column, kind in columns
            if connection.execute(_contains(table, column, kind), {"value": value}).scalar()
        }
        for value in values
    }


def _contains(table: str, column: str, kind: str):
    shown = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
    contains = f"position(lower(:value) in lower({shown})) > 0"
    return text(f'SELECT bool_or({contains}) FROM "{table}"')  # noqa: S608 (names of the catalog)


def signed_up(app: Flask) -> tuple[str, ApiClient]:
    """Register the person with an API key, and return the id and a signed-in client."""
    client = ApiClient(app)
    user_id = client.post("/api/auth/register", json=ACCOUNT).json["id"]
    client.environ_base |= {"REMOTE_ADDR": IP_ADDRESS, "HTTP_USER_AGENT": USER_AGENT}
    credentials = {"email": EMAIL, "password": PASSWORD}
    client.tokens = client.post("/api/auth/login", json=credentials).json
    new_key(client, name=KEY_NAME)
    return user_id, client
