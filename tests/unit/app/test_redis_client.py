"""Redis URLs and clients."""

import pytest
from redis.connection import SSLConnection
from redis.sentinel import SentinelManagedSSLConnection

from app import redis_client
from app.redis_client import TIMEOUT_SECONDS

URLS = [
    "redis://cache.example",
    "rediss://:secret@cache.example:6380/1",
    "redis+unix:///run/redis.sock",
    "redis://[::1]:6380/1?socket_timeout=0.5&client_name=limits",
    "redis+sentinel://a.example:26379,[::1]:26379/limits",
    "rediss+sentinel://ada:p%40ss@a.example:26379/limits",
    "redis+cluster://a.example:6379",
]


class TestCheck:
    @pytest.mark.parametrize("url", URLS)
    def test_accepts(self, url):
        redis_client.check(url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://cache.example",
            "redis://cache.example:port",
            "redis://cache.example?db=abc",
            "redis://cache.example?ssl=true",
            "redis://cache.example?socket_timeout=abc",
            "redis://cache.example?foo=1",
            "rediss://cache.example?ssl_cert_reqs=abc",
            "redis+sentinel://a.example:26379",
            "redis+sentinel://a.example:26379,/limits",
            "redis+sentinel:///limits",
            "redis+sentinel://a.example:port/limits",
            "redis+sentinel://a.example:26379/limits/0",
            "redis+sentinel://a.example:26379/limits?ssl=true",
            "redis+sentinel://a.example/limits",
            "redis+cluster://a.example:6379/0",
            "redis+cluster://a.example",
            "redis+cluster://",
            "redis+other://a.example:6379",
            "valkey+cluster://a.example:6379",
        ],
    )
    def test_refuses(self, url):
        with pytest.raises(ValueError, match=r"."):
            redis_client.check(url)


class TestConnect:
    @pytest.mark.parametrize(
        "url", ["redis://a.example", "redis+sentinel://a.example:26379/limits"]
    )
    def test_client_has_no_retries_and_a_short_timeout(self, url):
        given = redis_client.connect(url).connection_pool.connection_kwargs

        assert given["retry"].get_retries() == 0
        assert given["socket_timeout"] == given["socket_connect_timeout"] == TIMEOUT_SECONDS

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("rediss://a.example", SSLConnection),
            ("rediss+sentinel://a.example:26379/limits", SentinelManagedSSLConnection),
        ],
    )
    def test_encrypts(self, url, kind):
        assert redis_client.connect(url).connection_pool.connection_class is kind

    def test_sentinels_have_the_options_of_the_servers(self):
        url = "redis+sentinel://ada:p%40ss@a.example:26379,[::1]:1/limits"
        pool = redis_client.connect(url).connection_pool
        sentinels = [each.connection_pool for each in pool.sentinel_manager.sentinels]

        assert pool.service_name == "limits"
        assert [each.connection_kwargs["host"] for each in sentinels] == ["a.example", "::1"]
        for each in (pool, *sentinels):
            given = each.connection_kwargs
            assert (given["username"], given["password"]) == ("ada", "p@ss")
            assert given["retry"].get_retries() == 0
            assert given["socket_timeout"] == TIMEOUT_SECONDS
