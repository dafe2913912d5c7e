"""Redis clients: one server, the master that Sentinel reports, or a cluster.

The URL formats are those of the library limits: `redis+sentinel://host:port,…/service` and
`redis+cluster://host:port,…`. The same password applies to the servers and to the Sentinels.
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
    """Parsed URL of a cluster, or of the Sentinels of a service."""

    kind: str
    nodes: list[tuple[str, int]]
    service: str
    db: int
    options: dict[str, Any]


def connect(url: str) -> Redis | RedisCluster:
    """Return a client without retries and with a timeout of `TIMEOUT_SECONDS`.

    Raises:
        RedisClusterException: no server of the cluster responds. Other clients connect lazily.
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
    """Validate a URL for `connect`.

    Raises:
        ValueError: the URL is not valid.
    """
    if _scheme(url) not in ONE_SERVER:
        parse(url)
        return
    if urlsplit(url).port == 0:
        raise ValueError("port 0 is not valid")
    try:
        client: Any = connect(url)
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # does not connect
    except Exception as error:  # redis-py passes the query parameters to its classes
        raise ValueError("redis-py rejects the parameters of the URL") from error


def parse(url: str) -> Group:
    """Parse the URL of a cluster or of Sentinels.

    Raises:
        ValueError: the URL is not valid.
    """
    # urlsplit accepts one host only; with several, it fails on IPv6 addresses.
    scheme, _, rest = url.partition("://")
    protocol, _, kind = scheme.lower().partition("+")
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    service, _, db = path.strip("/").partition("/")
    if protocol not in {"redis", "rediss"} or kind not in PORTS or "?" in rest:
        raise ValueError("neither a Sentinel URL nor a cluster URL")
    if bool(service) != (kind == "sentinel"):
        raise ValueError("a Sentinel URL needs a service name, and a cluster URL must not have one")
    nodes = [_node(host, PORTS[kind]) for host in hosts.split(",")]
    return Group(kind, nodes, service, int(db or 0), _options(credentials, protocol))


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _node(host: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname or parts.port == 0:
        raise ValueError("a server needs a host name and a port other than 0")
    return parts.hostname, parts.port or default_port


def _options(credentials: str, protocol: str) -> dict[str, Any]:
    username, _, password = credentials.partition(":")
    given = {"username": username, "password": password}
    options = {name: unquote(value) for name, value in given.items() if value}
    return options | ({"ssl": True} if protocol == "rediss" else {})
