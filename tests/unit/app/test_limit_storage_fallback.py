"""Storage for rate limits: fallback to memory while Redis is unavailable or read-only."""

import pytest
from redis import Redis
from redis.exceptions import RedisError

from app.auth.limit_storage import PAUSE_SECONDS, RedisOrMemoryStorage
from tests.support.waiting import wait_for
from tools import embedded


class UnavailableRedis:
    """Lua script on a server that does not respond until `back` is set."""

    def __init__(self):
        self.calls, self.back = 0, False

    def __call__(self, *_):
        self.calls += 1
        if not self.back:
            raise RedisError
        return [1, 1, b"0.0"]

    @property
    def registered_client(self):
        return self

    def lrem(self, *_):
        raise RedisError


class TestUnavailableRedis:
    @pytest.fixture
    def storage(self):
        storage = RedisOrMemoryStorage(redis_url="redis://localhost")
        storage.script = UnavailableRedis()
        return storage

    def test_process_counts_in_memory(self, storage):
        assert storage.is_shared
        assert [storage.acquire_entry("k", 2, 60) for _ in range(3)] == [True, True, False]
        assert not storage.is_shared

    def test_redis_is_tried_once_after_each_pause(self, storage, clock):
        for _ in range(5):
            storage.acquire_entry("k", 9, 60)
        assert storage.script.calls == 1
        clock(PAUSE_SECONDS)
        for _ in range(5):
            storage.acquire_entry("k", 9, 60)

        assert storage.script.calls == 2

    def test_hit_in_memory_is_released_there(self, storage, clock):
        storage.acquire_entry("k", 1, 60)
        storage.script.back = True
        clock(PAUSE_SECONDS)
        storage.acquire_entry("other", 1, 60)
        _, (hit_at,) = storage.memory.windows["k"]
        storage.release("k", hit_at)

        assert storage.memory.hit("k", 1, 60, 1).accepted

    def test_redis_counts_again_after_its_return(self, storage, clock):
        storage.acquire_entry("k", 9, 60)
        storage.script.back = True
        clock(PAUSE_SECONDS)
        for _ in range(5):
            storage.acquire_entry("k", 9, 60)

        assert storage.script.calls == 6
        assert storage.is_shared

    def test_clock_that_is_set_back_does_not_lengthen_the_pause(self, storage, clock):
        storage.acquire_entry("k", 9, 60)
        clock(-3600)
        storage.acquire_entry("k", 9, 60)

        assert storage.script.calls == 2


class TestDemotedRedis:
    """A server that became a read-only replica."""

    @pytest.fixture
    def server(self):
        with embedded.valkey() as url:
            yield Redis.from_url(url)

    def test_process_counts_in_memory_and_drops_its_connections(self, server, clock):
        kwargs = server.connection_pool.connection_kwargs
        storage = RedisOrMemoryStorage(redis_url=f"redis://{kwargs['host']}:{kwargs['port']}")
        assert storage.acquire_entry("k", 2, 60)
        assert (storage.is_shared, len(server.client_list())) == (True, 2)
        server.replicaof("127.0.0.1", 1)

        assert storage.acquire_entry("k", 2, 60)

        assert not storage.is_shared
        wait_for(lambda: len(server.client_list(_type="normal")) == 1)
        server.replicaof("NO", "ONE")
        clock(PAUSE_SECONDS)
        assert storage.acquire_entry("k", 9, 60)
        assert storage.is_shared
