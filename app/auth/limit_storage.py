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
# After an error, Redis is not used for this long: a frozen server must not delay every request.
PAUSE_SECONDS = 1.0

# KEYS[1] is a list of times, the newest first. The times are those of the client: a script that
# runs after the timeout of its client counts at the time when it was sent.
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
    """At most `MAX_WINDOWS` windows in memory; the one that was idle for longest is evicted."""

    def __init__(self) -> None:
        self.lock = Lock()
        # The end of each window and the times of its hits; the window of the latest hit is last.
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
        """Remove two windows at most, so that no hit has to wait for a clean-up."""
        for _ in range(2):
            end, _hits = next(iter(self.windows.values()), (now, []))
            if end < now or len(self.windows) >= MAX_WINDOWS:
                self.windows.popitem(last=False)


class RedisOrMemoryStorage(Storage, MovingWindowSupport):
    """Moving windows for the library limits; see docs/decisions/0010-flask-limiter.md.

    `on_hit` receives the key, the limit, the seconds and the window of each hit, because
    `get_moving_window` after a hit would be a second round trip to Redis.
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

    @cached_property  # Not that of functools: in Python 3.11 it holds one lock for all threads.
    def script(self) -> Script:
        return redis_client.connect(self.redis_url).register_script(HIT)

    @property
    def is_shared(self) -> bool:
        """Whether Redis counts for all processes."""
        return bool(self.redis_url) and not self.unavailable

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        window = self._hit(key, limit, expiry, amount)
        self.on_hit(key, limit, expiry, window)
        return window.accepted

    def release(self, key: str, hit_at: float) -> None:
        """Take a hit back. Without Redis it stays there until it leaves the window."""
        self.memory.release(key, hit_at)  # Redis may have been unavailable at the time.
        if self.is_shared:
            with suppress(*self.base_exceptions):
                self.script.registered_client.lrem(key, 1, repr(hit_at))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        window = self._hit(key, limit, expiry, cost=0)
        return window.oldest, window.hits

    def _hit(self, key: str, limit: int, seconds: int, cost: int) -> Window:
        now = time.time()
        # A clock that is set back must not make the pause longer, hence the absolute value.
        paused = self.unavailable and abs(now - self.tried_at) < PAUSE_SECONDS
        if not self.redis_url or paused:
            return self.memory.hit(key, limit, seconds, cost)
        self.tried_at = now  # After a pause, one request tries Redis and the others do not wait.
        try:
            accepted, hits, oldest = self.script([key], [repr(now), limit, seconds, cost])
        except self.base_exceptions as error:
            if not self.unavailable:
                logger.warning("Redis is unavailable; each process counts alone: {}", error)
            self.unavailable, self.tried_at = True, time.time()
            if isinstance(error, ResponseError):
                self._disconnect()
            return self.memory.hit(key, limit, seconds, cost)
        self.unavailable = False
        return Window(bool(accepted), hits, float(oldest), now)

    def _disconnect(self) -> None:
        """Close the connections: they may lead to a server that became a read-only replica."""
        if script := vars(self).pop("script", None):
            script.registered_client.close()

    def check(self) -> bool:
        return True  # Memory is always available.

    def reset(self) -> None:
        """Forget the windows in memory; those in Redis belong to other processes too."""
        if self.redis_url:
            raise NotImplementedError
        self.memory = MemoryWindows()

    def unsupported(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError('This storage is for the strategy "moving-window" only.')

    incr = get = get_expiry = clear = unsupported
