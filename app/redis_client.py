"""Redis clients: one server, the master that Sentinel reports, or a cluster.

The URL formats are those of the library `limits`: `redis+sentinel://host:port,…/service` and
`redis+cluster://host:port,…`. The same password applies to the servers and to the Sentinels.
"""

import re
from typing import Any
from urllib.parse import unquote

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel

TIMEOUT_SECONDS = 0.25
SERVER = r"(?:[\w.-]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}"
GROUP = re.compile(
    r"(?P<protocol>rediss?)\+(?P<kind>sentinel|cluster)://"
    r"(?:(?P<username>[^:@/]*):(?P<password>[^@/]*)@)?"
    rf"(?P<servers>{SERVER}(?:,{SERVER})*)(?:/(?P<service>[^/?#]+))?"
)


def connect(url: str) -> Redis | RedisCluster:
    """Return a client without retries and with a timeout of `TIMEOUT_SECONDS`.

    Raises:
        ValueError: the URL is not valid.
        RedisClusterException: no server of the cluster responds. Other clients connect lazily.
    """
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "socket_timeout": TIMEOUT_SECONDS,
    }
    group = GROUP.fullmatch(url)
    if group is None:
        return Redis.from_url(url.replace("redis+unix://", "unix://"), **options)
    if group["protocol"] == "rediss":
        options["ssl"] = True
    options |= {name: unquote(group[name]) for name in ("username", "password") if group[name]}
    servers = [server.rpartition(":") for server in group["servers"].split(",")]
    addresses = [(host.strip("[]"), int(port)) for host, _, port in servers]
    if group["kind"] == "cluster":
        nodes = [ClusterNode(*address) for address in addresses]
        return RedisCluster(startup_nodes=nodes, **options)
    return Sentinel(addresses, sentinel_kwargs=options, **options).master_for(group["service"])


def check(url: str) -> None:
    """Validate a URL for `connect`.

    Raises:
        ValueError: the URL is not valid.
    """
    if group := GROUP.fullmatch(url):
        if (group["service"] is None) == (group["kind"] == "sentinel"):
            raise ValueError("a Sentinel URL needs a service name; a Cluster URL must not have one")
        return
    try:
        client: Any = connect(url)
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # does not connect
    except Exception as error:  # redis-py raises many types of errors for query parameters
        raise ValueError("redis-py rejects the URL") from error
