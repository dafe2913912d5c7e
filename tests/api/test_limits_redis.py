"""Rate limits in Redis: shared by all processes, and separate while Redis is unavailable."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from tests.support.servers import free_port
from tools import embedded


def gets(client, times, **options):
    return [client.get("/api/notes", **options).status_code for _ in range(times)]


def test_processes_share_the_counters(limited, redis_url):
    shared = {"redis_url": redis_url, "rate_limit_default": "3 per minute"}
    origin = {"environ_base": {"REMOTE_ADDR": "198.51.100.1"}}

    assert gets(limited(**shared), 2, **origin) == [200, 200]
    assert gets(limited(**shared), 2, **origin) == [200, 429]


def test_each_limit_is_one_round_trip(limited, redis_url):
    client = limited(redis_url=redis_url)
    server = redis.Redis.from_url(redis_url)
    gets(client, 1)
    server.config_resetstat()

    gets(client, 3)
    commands = server.info("commandstats")
    assert commands.pop("cmdstat_evalsha")["calls"] == 3
    # The script's own commands, and those of this test.
    inside = {"lindex", "llen", "lpush", "expire", "config|resetstat", "info"}
    assert commands.keys() <= {f"cmdstat_{name}" for name in inside}


@pytest.mark.parametrize("url", ["redis://{}", "redis+sentinel://{}/limits", "redis+cluster://{}"])
def test_each_process_counts_alone_without_redis(limited, url):
    nowhere = url.format(f"127.0.0.1:{free_port()}")
    client = limited(redis_url=nowhere, rate_limit_default="2 per minute")

    assert gets(client, 3) == [200, 200, 429]


def test_parallel_requests_succeed_while_redis_freezes(limited):
    with embedded.valkey() as url, ThreadPoolExecutor(8) as threads:
        client = limited(redis_url=url, rate_limit_default="1000 per minute")
        assert gets(client, 1) == [200]
        process = redis.Redis.from_url(url).info("server")["process_id"]
        together = Barrier(8)

        def get(_):
            together.wait(30)
            return client.application.test_client().get("/api/nowhere").status_code

        os.kill(process, signal.SIGSTOP)
        try:
            assert set(threads.map(get, range(8))) == {404}
        finally:
            os.kill(process, signal.SIGCONT)


def test_frozen_redis_adds_little_latency_and_is_used_after_recovery(limited, clock):
    with embedded.valkey() as url:
        client = limited(redis_url=url, rate_limit_default="2 per minute")
        process = redis.Redis.from_url(url).info("server")["process_id"]
        assert gets(client, 1) == [200]
        os.kill(process, signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert gets(client, 3) == [200, 200, 429]
            assert time.monotonic() - started < 1
        finally:
            os.kill(process, signal.SIGCONT)
        clock(61)

        assert gets(client, 3) == [200, 200, 429]
