"""Redis Sentinel and Cluster: limits are shared, and no request fails during a failover."""

import time

import httpx
import pytest
from sqlalchemy.engine import make_url

from app.auth.limit_storage import RedisOrMemoryStorage
from tests.support import redis_servers
from tests.support.probes import alive
from tests.support.redis_servers import client, kill, wait_for
from tests.support.servers import served


@pytest.fixture(scope="module")
def database_url(new_database, migrated_url):
    return new_database(make_url(migrated_url).database)


@pytest.fixture
def watched(tmp_path):
    with redis_servers.watched(tmp_path) as servers:
        yield servers


@pytest.fixture
def cluster():
    with redis_servers.cluster() as servers:
        yield servers


@pytest.fixture(params=["watched", "cluster"])
def group(request):
    return request.getfixturevalue(request.param)


def statuses(url, times=20):
    with httpx.Client(base_url=url, timeout=30) as requests:
        return {requests.get("/api/docs").status_code for _ in range(times)}


def test_processes_count_together(group):
    one, other = (RedisOrMemoryStorage(redis_url=group.url) for _ in range(2))

    for n in range(20):  # enough keys for every server of the cluster
        hits = [each.acquire_entry(f"k{n}", 2, 60) for each in (one, other, one)]
        assert hits == [True, True, False]
    assert one.is_shared
    assert other.is_shared
    masters = group.servers if "cluster" in group.url else group.servers[:1]
    assert all(client(server).dbsize() for server in masters)


def test_no_request_fails_during_a_sentinel_failover(watched, database_url):
    master, replica = watched.servers
    with served(database_url, REDIS_URL=watched.url) as server, alive(server.url):
        assert statuses(server.url) == {200}
        assert client(master).dbsize()
        kill(master)
        began, seen = time.monotonic(), set()

        def counts():
            seen.update(statuses(server.url, 1))
            return "cmdstat_evalsha" in client(replica).info("commandstats")

        wait_for(counts)
        print(f"counted again {time.monotonic() - began:.1f} s after the master's death")
        assert client(replica).info("replication")["role"] == "master"

    assert seen == {200}


def test_limits_stay_shared_after_a_cluster_failover(cluster):
    storage = RedisOrMemoryStorage(redis_url=cluster.url)
    for n in range(20):
        storage.acquire_entry(f"k{n}", 1, 60)
    assert storage.is_shared
    kill(cluster.servers[0])

    for n in range(20):
        hits = [storage.acquire_entry(f"new{n}", 2, 60) for _ in range(3)]
        assert hits == [True, True, False]
