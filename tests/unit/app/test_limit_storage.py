"""Storage for rate limits: moving windows in memory and in Redis."""

import threading

import pytest
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from app.auth import limit_storage
from app.auth.limit_storage import RedisOrMemoryStorage


@pytest.fixture
def windows():
    """The window of each hit, in order."""
    return []


@pytest.fixture(params=["memory", "redis"])
def storage(request, windows):
    redis_url = ""
    if request.param == "redis":
        redis_url = request.getfixturevalue("redis_url")
    storage = RedisOrMemoryStorage(redis_url=redis_url, on_hit=lambda *hit: windows.append(hit[3]))
    if redis_url:
        storage.script.registered_client.flushall()
    return storage


@pytest.fixture
def in_memory():
    return RedisOrMemoryStorage()


class TestHit:
    def test_hits_are_accepted_up_to_the_limit(self, storage, windows):
        accepted = [storage.acquire_entry("k", 2, 60) for _ in range(3)]

        assert accepted == [True, True, False]
        assert [window.hits for window in windows] == [1, 2, 2]
        assert len({window.oldest for window in windows}) == 1

    def test_keys_are_counted_apart(self, storage):
        assert storage.acquire_entry("a", 1, 60)
        assert storage.acquire_entry("b", 1, 60)

    def test_hit_expires_with_the_window(self, storage, windows, clock):
        storage.acquire_entry("k", 2, 60)
        clock(30)
        storage.acquire_entry("k", 2, 60)
        clock(31)
        storage.acquire_entry("k", 2, 60)
        first, second, third = windows

        assert (third.accepted, third.hits) == (True, 2)
        assert first.oldest == second.oldest < third.oldest

    def test_hit_over_the_limit_does_not_count(self, storage, clock):
        storage.acquire_entry("k", 1, 60)
        clock(59)
        assert not storage.acquire_entry("k", 1, 60)
        clock(2)

        assert storage.acquire_entry("k", 1, 60)

    def test_hit_can_cost_more_than_one(self, storage):
        assert storage.acquire_entry("k", 3, 60, amount=2)
        assert not storage.acquire_entry("k", 3, 60, amount=2)
        assert storage.acquire_entry("k", 3, 60)
        assert not storage.acquire_entry("empty", 3, 60, amount=4)

    def test_hit_is_reported_to_on_hit(self, storage, windows):
        storage.acquire_entry("k", 1, 60)

        assert windows[0] == (True, 1, windows[0].oldest, windows[0].oldest)


class TestRelease:
    def test_only_this_hit_is_released(self, storage, windows, clock):
        storage.acquire_entry("k", 2, 60)
        clock(30)
        storage.acquire_entry("k", 2, 60)
        storage.release("k", windows[1].hit_at)
        clock(31)

        assert storage.get_moving_window("k", 2, 60)[1] == 0

    def test_expired_hit_is_ignored(self, storage, windows, clock):
        storage.acquire_entry("k", 2, 60)
        clock(61)
        storage.acquire_entry("k", 2, 60)
        storage.release("k", windows[0].hit_at)

        assert storage.get_moving_window("k", 2, 60)[1] == 1

    def test_unknown_key_is_ignored(self, storage):
        storage.release("unknown", 1.0)


class TestStrategy:
    def test_reads_the_window_without_a_hit(self, storage, clock):
        strategy, item = MovingWindowRateLimiter(storage), RateLimitItemPerMinute(2)
        assert strategy.get_window_stats(item, "k").remaining == 2
        strategy.hit(item, "k")
        stats = strategy.get_window_stats(item, "k")
        clock(10)

        assert strategy.get_window_stats(item, "k") == stats
        assert stats.remaining == 1
        assert strategy.test(item, "k")

    def test_fixed_window_is_rejected(self, storage):
        with pytest.raises(NotImplementedError, match="moving-window"):
            FixedWindowRateLimiter(storage).hit(RateLimitItemPerMinute(2), "k")

    def test_storage_is_found_by_its_scheme(self):
        storage = storage_from_string("redis-or-memory://", redis_url="redis://localhost")

        assert isinstance(storage, RedisOrMemoryStorage)
        assert storage.check()


class TestMemory:
    def test_number_of_windows_is_bounded(self, monkeypatch, in_memory):
        monkeypatch.setattr(limit_storage, "MAX_WINDOWS", 3)
        for n in range(10):
            in_memory.acquire_entry(str(n), 1, 60)

        assert set(in_memory.memory.windows) == {"7", "8", "9"}

    def test_idle_windows_are_removed(self, in_memory, clock):
        for n in range(10):
            in_memory.acquire_entry(f"idle {n}", 1, 60)
        clock(61)
        for n in range(10):
            in_memory.acquire_entry(f"new {n}", 1, 60)

        assert set(in_memory.memory.windows) == {f"new {n}" for n in range(10)}

    def test_hit_starts_no_thread(self, in_memory):
        before = threading.enumerate()
        in_memory.acquire_entry("k", 1, 60)

        assert threading.enumerate() == before


class TestReset:
    def test_removes_the_windows_in_memory(self, in_memory):
        in_memory.acquire_entry("k", 1, 60)
        in_memory.reset()

        assert in_memory.acquire_entry("k", 1, 60)

    def test_reset_with_redis_is_rejected(self):
        with pytest.raises(NotImplementedError):
            RedisOrMemoryStorage(redis_url="redis://localhost").reset()
