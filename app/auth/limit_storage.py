"""Storage for rate limits: moving windows in Redis, or in memory while Redis is unavailable."""

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple, NoReturn

from limits.storage import MovingWindowSupport, Storage
from loguru import logger
from redis.commands.core import Script
from redis.exceptions import RedisClusterException, RedisError, ResponseError
from werkzeug.utils import cached_property

from app import redis_client

MAX_WINDOWS = 50_000
# Pause after an error of Redis, so that an unresponsive server does not delay every request.
PAUSE_SECONDS = 1.0

# KEYS[1] is a list of the times of hits, the newest first. The service sends the time of a hit,
# because Redis may run the script later, even after the timeout of the service.
HIT = """
local now, limit, seconds, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) < tonumber(now) - seconds do
    redis.call('RPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], -1)
end
local hits = redis.call('LLEN', KEYS[1])
if hits + cost > limit then
    return {0, hits, oldest or now}
end
for _ = 1, cost do
    redis.call('LPUSH', KEYS[1], now)
    redis.call('EXPIRE', KEYS[1], seconds + 1)
end
return {1, hits + cost, oldest or now}
"""


class Window(NamedTuple):
    """Moving window after a hit; `accepted` is False if the hit would exceed the limit."""

    accepted: bool
    hits: int
    oldest: float  # Unix time of the oldest hit
    hit_at: float  # Unix time of this hit


class MemoryWindows:
    """At most `MAX_WINDOWS` moving windows in memory; evicts the least recently used one first."""

    def __init__(self) -> None:
        self.lock = Lock()
        # Key to (end of the window, times of its hits), in the order of the latest hit.
        self.windows: OrderedDict[str, tuple[float, list[float]]] = OrderedDict()

    def hit(self, key: str, limit: int, seconds: int, cost: int) -> Window:
        now = time.time()
        with self.lock:
            self._evict(now)
            _, hits = self.windows.get(key, (0, []))
            del hits[: bisect_left(hits, now - seconds)]
            accepted = len(hits) + cost <= limit
            if accepted and cost:
                hits.extend([now] * cost)
                self.windows[key] = now + seconds, hits
                self.windows.move_to_end(key)
            return Window(accepted, len(hits), hits[0] if hits else now, now)

    def release(self, key: str, hit_at: float) -> None:
        with self.lock:
            _, hits = self.windows.get(key, (0, []))
            if hit_at in hits:
                hits.remove(hit_at)

    def _evict(self, now: float) -> None:
        """Remove at most two expired or surplus windows, so that every hit is fast."""
        for _ in range(2):
            end, _hits = next(iter(self.windows.values()), (now, []))
            if end < now or len(self.windows) >= MAX_WINDOWS:
                self.windows.popitem(last=False)


class RedisOrMemoryStorage(Storage, MovingWindowSupport):
    """Moving-window storage for the library limits; see docs/decisions/0010-flask-limiter.md.

    `on_hit` receives the key, the limit, the seconds and the window of each hit. So no second round
    trip to Redis, by `get_moving_window`, is needed.
    """

    STORAGE_SCHEME = ["redis-or-memory"]  # noqa: RUF012 (limits reads a list)
    base_exceptions = (RedisError, RedisClusterException)

    def __init__(
        self,
        uri: str | None = None,
        *,
        redis_url: str = "",
        on_hit: Callable[[str, int, int, Window], None] = lambda *_: None,
    ) -> None:
        super().__init__(uri)
        self.redis_url, self.on_hit = redis_url, on_hit
        self.memory = MemoryWindows()
        self.unavailable, self.tried_at = False, 0.0

    @cached_property  # functools.cached_property locks all threads in Python 3.11.
    def script(self) -> Script:
        return redis_client.connect(self.redis_url).register_script(HIT)

    @property
    def is_shared(self) -> bool:
        """Whether all processes share the counters in Redis."""
        return bool(self.redis_url) and not self.unavailable

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        window = self._hit(key, limit, expiry, amount)
        self.on_hit(key, limit, expiry, window)
        return window.accepted

    def release(self, key: str, hit_at: float) -> None:
        """Remove a hit; while Redis is unavailable, hits in Redis stay until they expire."""
        self.memory.release(key, hit_at)  # for hits counted while Redis was unavailable
        if self.is_shared:
            with suppress(*self.base_exceptions):
                self.script.registered_client.lrem(key, 1, repr(hit_at))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        window = self._hit(key, limit, expiry, cost=0)
        return window.oldest, window.hits

    def _hit(self, key: str, limit: int, seconds: int, cost: int) -> Window:
        now = time.time()
        # `abs` keeps the pause short if the clock is set back.
        paused = self.unavailable and abs(now - self.tried_at) < PAUSE_SECONDS
        if not self.redis_url or paused:
            return self.memory.hit(key, limit, seconds, cost)
        self.tried_at = now  # After a pause, only one request tries Redis.
        try:
            accepted, hits, oldest = self.script([key], [repr(now), limit, seconds, cost])
        except self.base_exceptions as error:
            if not self.unavailable:
                logger.warning("Redis is unavailable; each process counts separately: {}", error)
            self.unavailable, self.tried_at = True, time.time()
            if isinstance(error, ResponseError):
                self._disconnect()
            return self.memory.hit(key, limit, seconds, cost)
        self.unavailable = False
        return Window(bool(accepted), hits, float(oldest), now)

    def _disconnect(self) -> None:
        """Close the connections, because the server may have become a read-only replica."""
        if script := vars(self).pop("script", None):
            script.registered_client.close()

    def check(self) -> bool:
        return True  # Memory is always available.

    def reset(self) -> None:
        """Delete the windows in memory; windows in Redis cannot be deleted."""
        if self.redis_url:
            raise NotImplementedError("Other processes share the counters in Redis.")
        self.memory = MemoryWindows()

    def unsupported(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError('This storage supports only the strategy "moving-window".')

    incr = get = get_expiry = clear = unsupported
