"""Each sort order has an index, so a deep page costs what the first page costs."""

from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app import create_app
from app.settings import Settings
from services import demo
from services.demo_accounts import ADMIN, ADMIN_PASSWORD
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD
from tests.support.pgbouncer import pooled
from tests.support.servers import SECRET_KEY

USERS, ORDERS = 20, 20_000
ROWS = 20 + 1  # one more than the page tells whether there is another
INDEX_DEPTH = 4
FIRST_DAY, LAST_DAY = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
LISTS = [
    "",
    "&status=paid",
    f"&created_after={FIRST_DAY}&created_before={LAST_DAY}",
    f"&status=paid&created_after={FIRST_DAY}",
]


@pytest.fixture(scope="module")
def app(new_database, migrated_url):
    """Return the application on a database with twenty users of a thousand orders each."""
    url = new_database(make_url(migrated_url).database)
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
    with Session(engine) as session:
        sizes = demo.Sizes(users=USERS, products=20, orders=ORDERS)
        demo.load(session, sizes, "user{n}@example.com", PASSWORD, accounts=True)
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()
    app = create_app(
        Settings(
            flask_env="testing",
            secret_key=SECRET_KEY,
            database_url=url,
            database_pooler=pooled(url),
        )
    )
    yield app
    app.extensions["database"].dispose()


@pytest.fixture(params=["mine", "everybody's"])
def reader(request, app):
    mine = {"email": "user1@example.com", "password": PASSWORD}
    everybodys = {"email": ADMIN, "password": ADMIN_PASSWORD}
    client = ApiClient(app)
    body = mine if request.param == "mine" else everybodys
    client.tokens = client.post("/api/auth/login", json=body).json
    return client


@contextmanager
def explained(app):
    """Collect the plans of the statements in the block that read orders."""
    engine, plans = app.extensions["database"], []

    def explain(_connection, cursor, statement, parameters, context, *_):
        if "FROM orders" in context.statement or "JOIN orders" in context.statement:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            plans.append(cursor.fetchone()[0][0]["Plan"])

    event.listen(engine, "before_cursor_execute", explain)
    yield plans
    event.remove(engine, "before_cursor_execute", explain)


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def deep_cursor(reader, query):
    """Return the cursor of a deep page, reached by pages of ten."""
    page = reader.get(f"/api/orders?limit=10{query}").json
    for _ in range(15):
        page = reader.get(f"/api/orders?limit=10{query}&cursor={page['next_cursor']}").json
    return page["next_cursor"]


@pytest.mark.parametrize("query", LISTS)
def test_deep_page_uses_an_index_and_no_sort(app, reader, query):
    cursor = deep_cursor(reader, query)

    with explained(app) as plans:
        reader.get(f"/api/orders?limit=20{query}")
        reader.get(f"/api/orders?limit=20{query}&cursor={cursor}")

    assert len(plans) == 2
    for plan in plans:
        scans = [node for node in nodes(plan) if node.get("Relation Name") == "orders"]
        assert {node["Node Type"] for node in scans} == {"Index Scan"}, scans
        assert sum(node["Actual Rows"] for node in scans) <= ROWS
        assert sum(node.get("Rows Removed by Filter", 0) for node in scans) == 0
        # At worst, for each row a page of the table and the way to its items; and once the index.
        assert plan["Shared Hit Blocks"] <= ROWS * (1 + INDEX_DEPTH) + INDEX_DEPTH


@pytest.mark.parametrize("reader", ["everybody's"], indirect=True)
@pytest.mark.parametrize(
    "query", ["", f"&created_after={FIRST_DAY}&created_before={LAST_DAY}", "&created_before={}"]
)
def test_deep_page_of_a_product_reads_as_little_as_the_first(app, reader, query):
    past = reader.get("/api/orders?product_id=demo-3&limit=100").json["items"][-1]["created_at"]
    query = f"&product_id=demo-3{query.format(past)}"
    cursor = deep_cursor(reader, query)

    with explained(app) as plans:
        reader.get(f"/api/orders?limit=20{query}")
        reader.get(f"/api/orders?limit=20{query}&cursor={cursor}")

    assert len(plans) == 2
    for plan in plans:
        scans = [node for node in nodes(plan) if node.get("Alias") in {"bought", "orders"}]
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}, scans
        assert "Sort" not in [node["Node Type"] for node in (plan, *plan["Plans"][:1])]
        removed = sum(node.get("Rows Removed by Filter", 0) for node in scans)
        # The ids of an hour more than the range; there is an order per minute.
        assert removed <= 60
        assert max(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= ROWS + 60
