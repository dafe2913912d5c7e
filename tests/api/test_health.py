"""GET /api/health and the probes."""

import pytest
from sqlalchemy import text

from app import __version__


@pytest.fixture
def schema(session):
    """Has the database say that it is at this migration."""

    def set_to(revision):
        session.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": revision})
        session.commit()

    return set_to


class TestHealth:
    def test_tells_status_time_and_version(self, client):
        answer = client.get("/api/health")

        assert answer.status_code == 200
        assert answer.json["status"] == "healthy"
        assert answer.json["timestamp"].endswith("Z")
        assert answer.json["version"] == __version__


class TestLiveness:
    def test_answers_without_a_database(self, client, no_database):
        assert client.get("/api/health/live").json == {"status": "alive"}


class TestReadiness:
    def test_no_database_is_a_503_with_retry_after(self, client, no_database):
        answer = client.get("/api/health/ready")

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("revision", ["0001", "of another program"])
    def test_schema_that_is_not_at_head_is_a_503_with_retry_after(self, client, schema, revision):
        schema(revision)

        answer = client.get("/api/health/ready")

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0

    def test_schema_that_the_successors_have_migrated_already_is_ready(self, client, schema):
        schema("0999")

        assert client.get("/api/health/ready").status_code == 200

    def test_database_at_head_is_ready(self, client):
        assert client.get("/api/health/ready").json == {"status": "ready"}
