"""Moving windows: how often something happened in the last so many seconds.

Redis counts for all processes together. While it is away, and where there is none, each process
counts alone. Both do the same: hits that have left the window go, and a new one is counted if there
is room for it. That, and what is left, is one question to Redis.
"""

import time
from bisect import bisect_left
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from loguru import logger
from redis.commands.core import Script
from redis.exceptions import RedisClusterException, RedisError
from werkzeug.utils import cached_property

from app import redis_client

AWAY = (RedisError, RedisClusterException)
# How long Redis is not asked again once it did not answer.
PAUSE_SECONDS = 1.0
MAX_WINDOWS = 50_000

# KEYS[1] is a list of times, the newest first. The times are the client's, so that a script that
# runs late, after its client has given up, counts at the time when it was sent. One key a call, so
# that a cluster can tell which server it is for.
HIT = """
local now, amount, seconds = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) < now - seconds do
    redis.call('RPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], -1)
end
local count = redis.call('LLEN', KEYS[1])
if count >= amount then
    return {0, count, oldest}
end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], seconds + 1)
return {1, count + 1, oldest or ARGV[1]}
"""


class Window(NamedTuple):
    """What a hit found: whether it was counted, the hits in the window, the time of the oldest."""

    counted: bool
    hits: int
    oldest: float


class RedisWindows:
    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def script(self) -> Script:
        return redis_client.connect(self.url).register_script(HIT)

    def hit(self, key: str, amount: int, seconds: int) -> Window:
        """Raises one of `AWAY`."""
        counted, count, oldest = self.script([key], [repr(time.time()), amount, seconds])
        return Window(bool(counted), count, float(oldest))


class ProcessWindows:
    """At most `MAX_WINDOWS`; beyond, the one that has been idle for longest goes."""

    def __init__(self) -> None:
        self.lock = Lock()
        # By key, the one that was hit last at the end: when it ends, and the times of the hits.
        self.windows: OrderedDict[str, tuple[float, list[float]]] = OrderedDict()

    def hit(self, key: str, amount: int, seconds: int) -> Window:
        now = time.time()
        with self.lock:
            self._forget_idle(now)
            _, hits = self.windows.get(key, (0, []))
            del hits[: bisect_left(hits, now - seconds)]
            if len(hits) >= amount:
                return Window(False, len(hits), hits[0])
            hits.append(now)
            self.windows[key] = now + seconds, hits
            self.windows.move_to_end(key)
            return Window(True, len(hits), hits[0])

    def _forget_idle(self, now: float) -> None:
        """Two a hit at most; those behind one that lives on wait for it, or for `MAX_WINDOWS`."""
        for _ in range(2):
            ends, _hits = next(iter(self.windows.values()), (now, []))
            if ends < now or len(self.windows) >= MAX_WINDOWS:
                self.windows.popitem(last=False)


class Windows:
    """Those of Redis; while it is away, those of this process."""

    def __init__(self, redis_url: str) -> None:
        self.shared = RedisWindows(redis_url) if redis_url else None
        self.local = ProcessWindows()
        self.lock = Lock()
        self.away = False
        self.asked_at = 0.0

    def hit(self, key: str, amount: int, seconds: int) -> Window:
        """Count one more, if there are fewer than `amount` in the last `seconds`."""
        if self.shared and (not self.away or self._asks_again()):
            try:
                window = self.shared.hit(key, amount, seconds)
            except AWAY as error:
                self._missed(error)
            else:
                self.away = False
                return window
        return self.local.hit(key, amount, seconds)

    def _asks_again(self) -> bool:
        """Whether it is this request that has to find out."""
        with self.lock:
            # A clock that was set back must not make the pause longer.
            if abs(time.time() - self.asked_at) < PAUSE_SECONDS:
                return False
            self.asked_at = time.time()
            return True

    def _missed(self, error: Exception) -> None:
        if not self.away:
            logger.warning("Redis is away, so each process counts alone: {}", error)
        self.away, self.asked_at = True, time.time()
