"""Redis URLs and clients."""

from urllib.parse import urlsplit

import pytest
from redis.connection import SSLConnection
from redis.sentinel import SentinelManagedSSLConnection

from app import redis_client
from app.redis_client import TIMEOUT_SECONDS, Group

URLS = [
    "redis://cache.example",
    "rediss://:secret@cache.example:6380/1",
    "redis+unix:///run/redis.sock",
    "redis://[::1]:6380/1?socket_timeout=0.5&client_name=limits",
    "redis+sentinel://a.example:26379,b.example:26379/limits",
    "redis+cluster://a.example:6379",
]


class TestParse:
    @pytest.mark.parametrize(
        ("url", "group"),
        [
            (
                "redis+sentinel://a.example:1,[::1]:2/limits",
                Group("sentinel", [("a.example", 1), ("::1", 2)], "limits", 0, {}),
            ),
            (
                "rediss+sentinel://ada:p%40ss@a.example/limits/3",
                Group(
                    "sentinel",
                    [("a.example", 26379)],
                    "limits",
                    3,
                    {"username": "ada", "password": "p@ss", "ssl": True},
                ),
            ),
            (
                "redis+cluster://:secret@a.example,b.example:7000",
                Group(
                    "cluster",
                    [("a.example", 6379), ("b.example", 7000)],
                    "",
                    0,
                    {"password": "secret"},
                ),
            ),
        ],
    )
    def test_names_servers_service_database_and_credentials(self, url, group):
        assert redis_client.parse(url) == group

    def test_host_list_can_contain_ipv6_addresses(self, monkeypatch):
        """urlsplit of newer Pythons rejects a host list with an IPv6 address."""

        def of_newer_pythons(url):
            assert "," not in url
            return urlsplit(url)

        monkeypatch.setattr(redis_client, "urlsplit", of_newer_pythons)
        url = "redis+sentinel://a.example:1,[::1]:2/limits"
        redis_client.check(url)
        pool = redis_client.connect(url).connection_pool

        assert len(pool.sentinel_manager.sentinels) == 2


class TestCheck:
    @pytest.mark.parametrize("url", URLS)
    def test_accepts(self, url):
        redis_client.check(url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://cache.example",
            "unix:///run/redis.sock",
            "redis://cache.example:0",
            "redis://cache.example:port",
            "redis://cache.example?db=abc",
            "redis://cache.example?ssl=true",
            "redis://cache.example?socket_timeout=abc",
            "redis://cache.example?foo=1",
            "rediss://cache.example?ssl_cert_reqs=abc",
            "redis+sentinel://a.example:26379",
            "redis+sentinel://a.example,/limits",
            "redis+sentinel:///limits",
            "redis+sentinel://a.example:port/limits",
            "redis+sentinel://a.example/limits/db",
            "redis+sentinel://a.example/limits?ssl=true",
            "redis+cluster://a.example/0",
            "redis+cluster://",
            "redis+other://a.example",
            "valkey+cluster://a.example",
        ],
    )
    def test_refuses(self, url):
        with pytest.raises(ValueError, match=r"."):
            redis_client.check(url)


class TestConnect:
    @pytest.mark.parametrize("url", ["redis://a.example", "redis+sentinel://a.example/limits"])
    def test_client_has_no_retries_and_a_short_timeout(self, url):
        given = redis_client.connect(url).connection_pool.connection_kwargs

        assert given["retry"].get_retries() == 0
        assert given["socket_timeout"] == given["socket_connect_timeout"] == TIMEOUT_SECONDS

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("rediss://a.example", SSLConnection),
            ("rediss+sentinel://a.example/limits", SentinelManagedSSLConnection),
        ],
    )
    def test_encrypts(self, url, kind):
        assert redis_client.connect(url).connection_pool.connection_class is kind

    def test_sentinels_have_the_options_of_the_servers(self):
        pool = redis_client.connect("redis+sentinel://:secret@a.example/limits/3").connection_pool
        (sentinel,) = pool.sentinel_manager.sentinels
        given = sentinel.connection_pool.connection_kwargs

        assert (pool.service_name, pool.connection_kwargs["db"]) == ("limits", 3)
        assert given["password"] == pool.connection_kwargs["password"] == "secret"
        assert given["retry"].get_retries() == 0
        assert given["socket_timeout"] == TIMEOUT_SECONDS
