"""GET /api/health and the probes."""

import pytest
from sqlalchemy import create_engine, text

from app import __version__
from app.db import readiness, schema_version
from tests.support.statements import statements

OLDER = sorted(schema_version.revisions()[1])


@pytest.fixture
def schema(session):
    """Return a function that sets the Alembic revision of the database."""

    def set_to(revision):
        session.execute(text("DELETE FROM alembic_version"))
        if revision:
            session.execute(text("INSERT INTO alembic_version VALUES (:n)"), {"n": revision})
        session.commit()

    return set_to


class TestHealth:
    def test_health_returns_status_time_and_version(self, client):
        response = client.get("/api/health")

        assert response.status_code == 200
        assert response.json["status"] == "healthy"
        assert response.json["timestamp"].endswith("Z")
        assert response.json["version"] == __version__


class TestLiveness:
    def test_succeeds_without_a_database(self, client, no_database):
        assert client.get("/api/health/live").json == {"status": "alive"}


class TestReadiness:
    def test_unavailable_database_returns_503_with_retry_after(self, client, no_database):
        response = client.get("/api/health/ready")

        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("revision", ["", *OLDER])
    def test_older_schema_returns_503_with_retry_after(self, client, schema, revision):
        schema(revision)

        response = client.get("/api/health/ready")

        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("revision", ["0999", "9d1c0a7be2f4"])
    def test_newer_schema_is_ready(self, client, schema, revision):
        schema(revision)

        assert client.get("/api/health/ready").status_code == 200

    def test_database_at_head_is_ready(self, client):
        assert client.get("/api/health/ready").json == {"status": "ready"}

    def test_result_is_cached(self, client, engine, monkeypatch):
        monkeypatch.setattr(readiness, "CACHE_SECONDS", 3600)
        with statements(engine) as seen:
            assert client.get("/api/health/ready").status_code == 200
            first = len(seen)
            assert {client.get("/api/health/ready").status_code for _ in range(5)} == {200}

        assert len(seen) == first > 0

    def test_failure_is_cached(self, client, use_engine, engine, monkeypatch):
        monkeypatch.setattr(readiness, "CACHE_SECONDS", 3600)
        use_engine(create_engine("postgresql+psycopg2://unknown@127.0.0.1:1/nowhere"))
        assert client.get("/api/health/ready").status_code == 503
        use_engine(engine)

        with statements(engine) as seen:
            response = client.get("/api/health/ready")

        assert (response.status_code, seen) == (503, [])
        assert int(response.headers["Retry-After"]) > 0

    def test_result_expires(self, client, schema, monkeypatch):
        monkeypatch.setattr(readiness, "CACHE_SECONDS", 0)
        schema("")
        assert client.get("/api/health/ready").status_code == 503
        schema("0999")

        assert client.get("/api/health/ready").status_code == 200


@pytest.fixture
def use_migrations(tmp_path, monkeypatch):
    """Replace the migrations of this version by revisions, each with its predecessor."""

    def use(scripts):
        for revision, previous in scripts.items():
            source = f"revision = {revision!r}\ndown_revision = {previous!r}\n"
            (tmp_path / f"{revision}_.py").write_text(source)
        config = schema_version.alembic_config()
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", str(tmp_path))
        monkeypatch.setattr(schema_version, "alembic_config", lambda: config)
        schema_version.revisions.cache_clear()

    yield use
    schema_version.revisions.cache_clear()


class TestRevisions:
    def test_heads_depend_on_down_revisions_and_not_on_names(self, use_migrations):
        use_migrations({"c0ffee": None, "beef": "c0ffee", "abad1dea": "beef"})

        assert schema_version.revisions() == ({"abad1dea"}, {"c0ffee", "beef"})

    @pytest.mark.parametrize(
        ("applied", "expected"),
        [
            ({"left", "right"}, True),
            ({"left"}, False),
            ({"right"}, False),
            ({"root"}, False),
            ({"root", "unknown"}, False),
            ({"unknown"}, True),
            (set(), False),
        ],
    )
    def test_two_heads_are_both_required(self, use_migrations, applied, expected):
        use_migrations({"root": None, "left": "root", "right": "root"})

        assert schema_version.is_current(applied) is expected

    def test_missing_head_returns_503_and_logged_once(self, client, schema, use_migrations, logged):
        use_migrations({"root": None, "left": "root", "right": "root"})
        schema("left")

        for _ in range(2):
            assert client.get("/api/health/ready").status_code == 503
        warnings = [record["message"] for record in logged if "not ready" in record["message"]]
        assert len(warnings) == 1
        assert warnings[0].endswith("revision is left, and this version needs left, right.")
