"""The way to Redis: to one server, to the one that Sentinel calls master, or to a cluster.

The URLs of the latter two are those of the library limits: `redis+sentinel://host:port,…/service`
and `redis+cluster://host:port,…`. A password is for the servers and for the Sentinels alike.
"""

from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

TIMEOUT_SECONDS = 0.25
TIMEOUTS: dict[str, Any] = {
    "socket_connect_timeout": TIMEOUT_SECONDS,
    "socket_timeout": TIMEOUT_SECONDS,
}
ONE_SERVER = {"redis", "rediss", "redis+unix"}
PORTS = {"sentinel": 26379, "cluster": 6379}


class Group(NamedTuple):
    """Redis servers that belong together."""

    kind: str
    nodes: list[tuple[str, int]]
    service: str
    db: int
    options: dict[str, Any]


def connect(url: str) -> Redis | RedisCluster:
    """A client that asks once, and waits for no server longer than `TIMEOUT_SECONDS`.

    Raises:
        RedisClusterException: no server of the cluster answers. All others connect when asked.
    """
    once = Retry(NoBackoff(), 0)
    if _scheme(url) in ONE_SERVER:
        url = url.replace("redis+unix://", "unix://")
        return Redis.from_url(url, retry=once, **TIMEOUTS)
    group = parse(url)
    if group.kind == "cluster":
        nodes = [ClusterNode(*node) for node in group.nodes]
        return RedisCluster(startup_nodes=nodes, retry=once, **TIMEOUTS, **group.options)
    options = {"retry": once, **TIMEOUTS, **group.options}
    sentinel = Sentinel(group.nodes, sentinel_kwargs=options, **options)
    return sentinel.master_for(group.service, db=group.db)


def check(url: str) -> None:
    """
    Raises:
        ValueError: `connect` has no use for the URL.
    """
    if _scheme(url) not in ONE_SERVER:
        parse(url)
        return
    if urlsplit(url).port == 0:
        raise ValueError("a server has no port 0")
    try:
        client: Any = connect(url)
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # connects to nobody
    except Exception as error:  # redis-py passes on to its classes what the URL's query has
        raise ValueError("redis-py does not know what the URL asks for") from error


def parse(url: str) -> Group:
    """
    Raises:
        ValueError: it is no URL of a group.
    """
    # urlsplit takes one host, and refuses others when one of them is an IPv6 address.
    scheme, _, rest = url.partition("://")
    protocol, _, kind = scheme.lower().partition("+")
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    service, _, db = path.strip("/").partition("/")
    if protocol not in {"redis", "rediss"} or kind not in PORTS or "?" in rest:
        raise ValueError("neither Sentinel nor a cluster")
    if bool(service) != (kind == "sentinel"):
        raise ValueError("Sentinel knows a service by its name, a cluster has none")
    nodes = [_node(host, PORTS[kind]) for host in hosts.split(",")]
    return Group(kind, nodes, service, int(db or 0), _options(credentials, protocol))


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _node(host: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname or parts.port == 0:
        raise ValueError("a server has a name and a port")
    return parts.hostname, parts.port or default_port


def _options(credentials: str, protocol: str) -> dict[str, Any]:
    username, _, password = credentials.partition(":")
    given = {"username": username, "password": password}
    options = {name: unquote(value) for name, value in given.items() if value}
    return options | ({"ssl": True} if protocol == "rediss" else {})
