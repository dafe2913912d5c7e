"""Bare WSGI target of the benchmark: the cost of PostgreSQL, JSON and JWT without a framework.

A WSGI function executes prepared statements. It implements only the measured operations: the first
page of a list, orders without status changes, errors without a detail.
"""

# ruff: noqa: S608 - the statements consist of constants.

import hashlib
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import jwt
import orjson
from psycopg2.extensions import connection
from psycopg2.pool import ThreadedConnectionPool

from models.orders import ORDER_ID
from models.types import to_typeid, to_uuid

THREADS = 8
SECRET_KEY = os.environ["SECRET_KEY"]

ME = """me AS (
    SELECT users.* FROM users JOIN sessions ON sessions.user_id = users.id
    WHERE sessions.id = $1 AND users.id = $2 AND revoked_at IS NULL AND expires_at > now()
        AND is_active
)"""
ORDER = """orders.id, orders.user_id, orders.status, orders.total, orders.currency,
    CAST(orders.shipping_address AS text), orders.created_at, orders.updated_at"""
ITEM = "json_build_object('product_id', {}, 'name', name, 'quantity', quantity, 'unit_price', {})"
ITEMS = f"""(
    SELECT CAST(json_agg({ITEM.format("product_id", "unit_price")} ORDER BY position) AS text)
    FROM order_items WHERE order_id = orders.id)"""

# Without a valid session, a statement returns no row; without the resource, a row of nulls.
STATEMENTS = {
    "profile (uuid, uuid)": f"WITH {ME} SELECT id, email, name, phone, role, created_at FROM me",
    "one_order (uuid, uuid, uuid)": f"""
        WITH {ME} SELECT {ORDER}, {ITEMS}
        FROM me LEFT JOIN orders ON orders.user_id = me.id AND orders.id = $3""",
    "some_orders (uuid, uuid, integer)": f"""
        WITH {ME} SELECT {ORDER}, {ITEMS}
        FROM me LEFT JOIN LATERAL (
            SELECT * FROM orders WHERE user_id = me.id ORDER BY created_at DESC, id DESC LIMIT $3
        ) AS orders ON true
        ORDER BY orders.created_at DESC, orders.id DESC""",
    "place (uuid, uuid, uuid, varchar[], integer[], jsonb, varchar, bytea, varchar)": f"""
        WITH {ME}, locked AS (
            SELECT products.id, products.name, stock, price, products.currency, quantity, position
            FROM me, products JOIN unnest($4, $5) WITH ORDINALITY
                AS line (product_id, quantity, position) ON product_id = products.id
            WHERE retired_at IS NULL
            ORDER BY products.id FOR UPDATE OF products
        ), summed AS (
            SELECT min(currency) AS currency, CAST(sum(quantity * price) AS bigint) AS total
            FROM locked
            HAVING count(*) FILTER (WHERE stock >= quantity) = cardinality($4)
                AND count(DISTINCT currency) = 1
        ), claimed AS (
            INSERT INTO idempotency_keys (user_id, key, fingerprint, status, location)
            SELECT $2, $7, $8, 201, $9 FROM summed
            ON CONFLICT DO NOTHING RETURNING key
        ), placed AS (
            INSERT INTO orders (id, user_id, total, currency, shipping_address)
            SELECT $3, $2, total, currency, $6 FROM summed, claimed
            RETURNING *
        ), filled AS (
            INSERT INTO order_items (order_id, position, product_id, name, quantity, unit_price)
            SELECT placed.id, position - 1, locked.id, name, quantity, price FROM placed, locked
        ), taken AS (
            UPDATE products SET stock = locked.stock - quantity, version = products.version + 1,
                updated_at = clock_timestamp()
            FROM locked, placed WHERE products.id = locked.id
        )
        SELECT {ORDER}, (
            SELECT CAST(json_agg({ITEM.format("id", "price")} ORDER BY position) AS text)
            FROM locked)
        FROM me LEFT JOIN placed AS orders ON true""",
    "placed_before (uuid, uuid, varchar, bytea)": f"""
        WITH {ME} SELECT location FROM me LEFT JOIN idempotency_keys
            ON user_id = me.id AND key = $3 AND fingerprint = $4""",
}

Response = tuple[HTTPStatus, Any]


class Refused(Exception):  # noqa: N818
    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class Prepared(connection):
    """Autocommit connection with all statements prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True
        with self.cursor() as cursor:
            for signature, statement in STATEMENTS.items():
                cursor.execute(f"PREPARE {signature} AS {statement}")


pool = ThreadedConnectionPool(
    THREADS,
    THREADS,
    os.environ["DATABASE_URL"],
    connection_factory=Prepared,
    options="-c timezone=UTC",
)


def rows(statement: str, environ: dict[str, Any], *values: Any) -> list[tuple[Any, ...]]:
    """Execute a prepared statement for the current user, and return its rows."""
    parameters = (*authenticated(environ), *values)
    marks = ", ".join(["%s"] * len(parameters))
    lent = pool.getconn()
    try:
        with lent.cursor() as cursor:
            cursor.execute(f"EXECUTE {statement} ({marks})", parameters)
            found = cursor.fetchall()
    finally:
        pool.putconn(lent)
    if not found:
        raise Refused(HTTPStatus.UNAUTHORIZED)
    return found


def authenticated(environ: dict[str, Any]) -> tuple[str, str]:
    """Return the ids of the session and of the user in the access token."""
    token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(
            token, SECRET_KEY, algorithms=["HS256"], issuer="flask-api", audience="flask-api"
        )
    except jwt.InvalidTokenError:
        raise Refused(HTTPStatus.UNAUTHORIZED) from None
    if claims["type"] != "access":
        raise Refused(HTTPStatus.UNAUTHORIZED)
    return to_uuid(claims["sid"], "session"), to_uuid(claims["sub"], "user")


def health(environ: dict[str, Any]) -> Response:
    return HTTPStatus.OK, {"status": "healthy", "timestamp": datetime.now(UTC), "version": "1.0.0"}


def me(environ: dict[str, Any]) -> Response:
    key, *others = rows("profile", environ)[0]
    names = ("id", "email", "name", "phone", "role", "created_at")
    return HTTPStatus.OK, dict(zip(names, (to_typeid("user", key), *others), strict=True))


def get_order(environ: dict[str, Any]) -> Response:
    return read(environ, environ["PATH_INFO"].rpartition("/")[2])


def read(environ: dict[str, Any], order_id: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    found = rows("one_order", environ, to_uuid(order_id, "order"))[0]
    if found[0] is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return status, shown(found)


def list_orders(environ: dict[str, Any]) -> Response:
    limit = int(environ["QUERY_STRING"].removeprefix("limit="))
    found = [row for row in rows("some_orders", environ, limit + 1) if row[0]]
    items = [shown(row) for row in found[:limit]]
    return HTTPStatus.OK, {
        "items": items,
        "next_cursor": items[-1]["id"] if len(found) > limit else None,
    }


def place_order(environ: dict[str, Any]) -> Response:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    order, order_id = orjson.loads(body), ORDER_ID.new()
    key = environ["HTTP_IDEMPOTENCY_KEY"], hashlib.sha256(body).digest()
    placed = rows(
        "place",
        environ,
        to_uuid(order_id, "order"),
        [item["product_id"] for item in order["items"]],
        [item["quantity"] for item in order["items"]],
        orjson.dumps(order["shipping_address"]).decode(),
        *key,
        f"/api/orders/{order_id}",
    )[0]
    return (HTTPStatus.CREATED, shown(placed)) if placed[0] else replayed(environ, *key)


def replayed(environ: dict[str, Any], key: str, fingerprint: bytes) -> Response:
    """Return the order of an earlier request with this key; without one, raise a 409 (stock)."""
    location = rows("placed_before", environ, key, fingerprint)[0][0]
    if location is None:
        raise Refused(HTTPStatus.CONFLICT)
    return read(environ, location.rpartition("/")[2], HTTPStatus.CREATED)


def shown(row: tuple[Any, ...]) -> dict[str, Any]:
    key, user, status, total, currency, address, created_at, updated_at, items = row
    return {
        "id": to_typeid("order", key),
        "user_id": to_typeid("user", user),
        "status": status,
        "items": orjson.Fragment(items),
        "total": total,
        "currency": currency,
        "shipping_address": orjson.Fragment(address),
        "history": [],
        "created_at": created_at,
        "updated_at": updated_at,
    }


ROUTES: dict[tuple[str, str], Callable[[dict[str, Any]], Response]] = {
    ("GET", "/api/health"): health,
    ("GET", "/api/users/me"): me,
    ("GET", "/api/orders"): list_orders,
    ("POST", "/api/orders"): place_order,
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    handle = ROUTES.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]), get_order)
    try:
        status, response = handle(environ)
    except Refused as refused:
        status, response = refused.status, {"title": refused.status.phrase}
    body = orjson.dumps(response, option=orjson.OPT_UTC_Z)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
