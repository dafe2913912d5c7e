"""Metrics of gunicorn with two workers."""

import re
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.settings import Settings
from tests.support.factories import PASSWORD
from tests.support.scrapes import watched
from tests.support.servers import ROOT
from tests.support.waiting import wait_for
from tools import embedded

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
WRONG = {"email": "ada@example.com", "password": "not the password of ada"}
# Requests, and the labels with which they are counted.
SENT = [
    ("GET", "/api/problems", "GET", "/api/problems", "200"),
    ("HEAD", "/api/problems", "HEAD", "/api/problems", "200"),
    ("OPTIONS", "/api/problems", "OPTIONS", "/api/problems", "200"),
    ("GET", "/api/problems/ada@example.com", "GET", "/api/problems/<slug>", "404"),
    ("GET", "/api/ada@example.com", "GET", "unmatched", "404"),
    ("PUT", "/api/problems", "PUT", "unmatched", "405"),
    ("BREW", "/api/problems", "other", "unmatched", "405"),
    ("GET", "/api/users/me?email=ada@example.com", "GET", "/api/users/me", "401"),
    ("POST", "/api/auth/login", "POST", "/api/auth/login", "415"),
    ("GET", "/api/static/none.css", "GET", "/api/static/<path:filename>", "404"),
]
LABELS = ("method", "route", "status")


@pytest.fixture(scope="module")
def database(new_database, migrated_url):
    engine = create_engine(new_database(make_url(migrated_url).database))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def service(database):
    """Run the service with its own Redis."""
    limits = {"RATE_LIMIT_REGISTER": "2 per hour", "DATABASE_LOCK_TIMEOUT": "30000"}
    url = database.url.render_as_string(hide_password=False)
    with embedded.valkey() as redis_url, watched(url, REDIS_URL=redis_url, **limits) as watch:
        yield watch


@pytest.fixture
def increase(service):
    """Return a function that returns the growth of counters since the start of the test."""

    def look(name, *labels):
        grown = Counter(service.values(name, *labels))
        grown.subtract(before[name, labels])
        return {key: value for key, value in grown.items() if value}

    wanted = [("http_requests_total", LABELS), ("auth_events_total", ("event",))]
    wanted += [("http_request_duration_seconds_count", LABELS[:2])]
    wanted += [("rate_limit_refusals_total", ("limit",))]
    before = {(name, labels): service.values(name, *labels) for name, labels in wanted}
    return look


def documented():
    """Return the metrics of the service in docs/operators/operations.md, and their labels."""
    page = (ROOT / "docs" / "operators" / "operations.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*?) ?\| ", page, re.MULTILINE)
    # Without the metrics of `flask deliver`.
    rows = [row for row in rows if not row[0].startswith(("webhook_", "mail_"))]
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


class TestNames:
    def test_metrics_and_labels_equal_the_documented_ones(self, service):
        httpx.get(f"{service.server.url}/api/problems")
        owner = "owner@example.com"
        service.server.flask("users", "create-admin", owner, "--password", PASSWORD)
        with service.server.signed_in(owner, PASSWORD) as client:
            body = {"name": "test", "scopes": ["profile"]}
            key = client.post("/api/api-keys", json=body).json()["key"]
            client.get("/api/users/me", headers={"Authorization": f"Bearer {key}"})

        told = {}
        for family in service.families():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            told[name] = labels - {"le"}
        assert told == documented()

    def test_every_event_and_limit_is_documented(self, service):
        page = (ROOT / "docs" / "operators" / "operations.md").read_text()
        events = service.values("auth_events_total", "event").keys()
        limits = service.values("rate_limit_refusals_total", "limit").keys()

        assert {"login_succeeded"} <= events or events
        assert {"login", "refresh_repeated"} <= events
        assert {"default", "api_key"} <= limits
        assert [name for name in events | limits if f"`{name}`" not in page] == []


class TestRequests:
    @pytest.mark.parametrize("leave", ["killed", "reloaded"])
    def test_counters_are_exact_while_workers_are_replaced(self, service, increase, leave):
        times = 8

        def send():
            for method, path, *_ in SENT * times:
                # A new connection for each request, so that every worker gets some.
                httpx.request(method, f"{service.server.url}{path}", timeout=30)

        def replaced():
            return len(service.workers()) == 2 and not service.workers() & workers

        workers = service.workers()
        send()
        if leave == "killed":
            for worker in workers:
                worker.kill()
        else:
            service.server.process.send_signal(signal.SIGHUP)
        wait_for(replaced)
        send()

        counted = increase("http_requests_total", *LABELS)
        assert counted == {tuple(labels): 2 * times for _, _, *labels in SENT}
        durations = increase("http_request_duration_seconds_count", *LABELS[:2])
        assert sum(durations.values()) == sum(counted.values())
        size = 2 * Settings().database_pool_size
        wait_for(lambda: service.values("database_pool_size") == {"": size})
        # During a reload, old and new workers run for a moment.
        places = {path.stem.rpartition("_")[2] for path in service.folder().iterdir()}
        assert places <= {"0", "1", "2", "3"}

    def test_failed_requests_are_counted(self, service, increase, database):
        with database.begin() as connection:
            connection.execute(text("ALTER TABLE users RENAME TO people"))
        response = httpx.post(f"{service.server.url}/api/auth/login", json=WRONG)
        with database.begin() as connection:
            connection.execute(text("ALTER TABLE people RENAME TO users"))

        assert response.status_code == 500
        assert increase("http_requests_total", *LABELS) == {("POST", "/api/auth/login", "500"): 1}

    def test_authentication_events_are_counted(self, service, increase, database):
        def post(path, body, token=None):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return httpx.post(f"{service.server.url}/api/auth/{path}", json=body, headers=headers)

        statuses = [post("register", ACCOUNT).status_code for _ in range(3)]
        post("login", WRONG)
        tokens = post("login", ACCOUNT).json()
        first = {"refresh_token": tokens["refresh_token"]}
        post("refresh", first)
        post("refresh", first)
        with database.begin() as connection:
            # So long ago that the next exchange is a reuse, not a repetition after a lost response.
            connection.execute(text("UPDATE sessions SET refreshed_at = now() - interval '1h'"))
        post("refresh", first)
        post("refresh", {"refresh_token": "x"})
        post("logout", {}, post("login", ACCOUNT).json()["access_token"])

        assert statuses == [201, 409, 429]
        assert increase("rate_limit_refusals_total", "limit") == {"register": 1}
        assert increase("auth_events_total", "event") == {
            "register": 1,
            "register_failed": 1,
            "login": 2,
            "login_failed": 1,
            "refresh": 2,
            "refresh_repeated": 1,
            "refresh_reused": 1,
            "refresh_failed": 1,
            "logout": 1,
        }


class TestGauges:
    def test_connection_is_in_use_while_a_request_waits(self, service, database):
        def in_use():
            return service.values("database_pool_connections", "state")["in_use"]

        with ThreadPoolExecutor(1) as thread, ExitStack() as stack:
            connection = stack.enter_context(database.begin())
            connection.execute(text("LOCK TABLE users"))
            login = f"{service.server.url}/api/auth/login"
            waiting = thread.submit(httpx.post, login, json=WRONG, timeout=30)
            wait_for(lambda: in_use() == 1, 4)
            stack.close()
            assert waiting.result(30).status_code == 401
        wait_for(lambda: in_use() == 0)
        assert service.values("database_pool_connections", "state")["idle"] >= 1

    def test_limits_count_as_shared_until_a_worker_loses_redis(self, migrated_url):
        with ExitStack() as stack:
            redis = stack.enter_context(ExitStack())
            redis_url = redis.enter_context(embedded.valkey())
            service = stack.enter_context(watched(migrated_url, REDIS_URL=redis_url))

            assert service.values("rate_limit_shared") == {"": 1}
            redis.close()
            httpx.get(f"{service.server.url}/api/problems")
            wait_for(lambda: service.values("rate_limit_shared") == {"": 0})
