"""Benchmark of deep pagination: page 10,000 of a million orders against page 1.

`make bench-pages` runs the application in this process, and requests both pages in turn: as an
administrator (all orders) and as a user with half of the orders. It prints the query plans.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import sessionmaker

from app import create_app
from app.db.schema_version import alembic_config
from app.settings import Settings
from services import demo
from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tools import embedded

ORDERS, PAGE, SIZE, PAIRS = 1_000_000, 10_000, 20, 200
PASSWORD = "correct-Horse-7-battery"
DATA = Path(__file__).parent.parent / ".data" / "bench-pages"
READERS = {
    "all orders": (ADMIN, ADMIN_PASSWORD),
    "a user's orders": ("user1@example.com", PASSWORD),
}


def main() -> None:
    with embedded.postgres(DATA) as server:
        driver = make_url(server).set(drivername="postgresql+psycopg2")
        url = driver.render_as_string(hide_password=False)
        settings = Settings(
            flask_env="development",
            secret_key="only for measuring, and only here",
            database_url=url,
            rate_limit_default="1000000 per minute",
            log_level="WARNING",
        )
        app = create_app(settings)
        engine = app.extensions["database"]
        fill(url, engine)
        for name, account in READERS.items():
            compare(app, engine, name, signed_in(app, *account))
        engine.dispose()


def fill(url: str, engine: Engine) -> None:
    config = alembic_config()
    config.attributes["url"] = url
    command.upgrade(config, "head")
    with sessionmaker(engine).begin() as session:
        sizes = demo.Sizes(users=2, products=1000, orders=ORDERS)
        demo.load(session, sizes, "user{n}@example.com", PASSWORD, accounts=True)
    unlimited = create_engine(url, isolation_level="AUTOCOMMIT")
    with unlimited.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    unlimited.dispose()


def signed_in(app: Flask, email: str, password: str) -> FlaskClient:
    client = app.test_client()
    response = client.post("/api/auth/login", json={"email": email, "password": password})
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {response.get_json()['access_token']}"
    return client


def compare(app: Flask, engine: Engine, name: str, client: FlaskClient) -> None:
    urls = {"1": f"/api/orders?limit={SIZE}", f"{PAGE:,}": deep_url(client)}
    took: dict[str, list[float]] = {page: [] for page in urls}
    for _ in range(PAIRS):
        for page, url in urls.items():
            took[page].append(timed(client, url))
    first, deep = (statistics.median(times) for times in took.values())
    print(f"\n{name}: page {PAGE:,} takes {deep / first:.2f} times as long as page 1")
    for page, url in urls.items():
        with explained(engine) as plans:
            client.get(url)
        print(f"  page {page}:", *plans, sep="\n    ")


def deep_url(client: FlaskClient) -> str:
    """Return the URL of page 10,000, found by following the cursors of pages of 100 orders."""
    url, rows = "/api/orders?limit=100", 0
    while rows < (PAGE - 1) * SIZE:
        page = client.get(url).get_json()
        url, rows = f"/api/orders?limit=100&cursor={page['next_cursor']}", rows + 100
    return url.replace("limit=100", f"limit={SIZE}")


def timed(client: FlaskClient, url: str) -> float:
    begin = time.perf_counter()
    assert client.get(url).status_code == 200
    return time.perf_counter() - begin


@contextmanager
def explained(engine: Engine) -> Iterator[list[str]]:
    """Collect the plans of the statements that read orders in the block."""
    plans: list[str] = []

    def explain(_: Any, cursor: Any, statement: str, values: Any, context: Any, __: bool) -> None:
        if "FROM orders" in context.statement:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", values)
            plans.extend(line for (line,) in cursor.fetchall())

    event.listen(engine, "before_cursor_execute", explain)
    yield plans
    event.remove(engine, "before_cursor_execute", explain)


if __name__ == "__main__":
    main()
