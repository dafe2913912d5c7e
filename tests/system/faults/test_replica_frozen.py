"""A replica that does not respond: reads continue on the primary."""

import pytest

from tests.support.factories import PASSWORD
from tests.support.probes import alive, frozen
from tests.support.replicas import replicated
from tests.support.servers import served
from tests.support.waiting import wait_for

SEEN = "SELECT pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)"
ADMIN = "admin@example.com"


@pytest.fixture(scope="module")
def servers():
    with replicated() as both:
        yield both


def url_of(server):
    return server.url.render_as_string(hide_password=False)


@pytest.mark.parametrize("connected", [True, False])
def test_reads_continue_on_the_primary(servers, connected):
    primary, replica = servers
    settings = {"DATABASE_REPLICA_URL": url_of(replica), "DATABASE_POOLER": "false"}
    with served(url_of(primary), **settings, GUNICORN_CMD_ARGS="-w 1") as server:
        email = f"{connected}-{ADMIN}"
        server.flask("users", "create-admin", email, "--password", PASSWORD)
        with server.signed_in(email, PASSWORD) as admin:
            position = primary.run("SELECT CAST(pg_current_wal_lsn() AS text)")
            wait_for(lambda: replica.run(SEEN, position=position))
            if connected:
                assert admin.get("/api/users").status_code == 200
            process = int((replica.data / "postmaster.pid").read_text().splitlines()[0])
            with alive(server.url), frozen(process):
                for n in range(3):
                    name = f"Name {n}"
                    admin.patch("/api/users/me", json={"name": name})
                    listed = admin.get("/api/users", timeout=20).json()["items"]
                    assert name in [user["name"] for user in listed]
