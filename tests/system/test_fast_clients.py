"""Clients that always have data ready: other clients are served."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import httpx
import pytest

from tests.support.sockets import connections


class TestFastClients:
    """A client that always has data ready does not block the event loop for other clients."""

    @pytest.mark.parametrize(
        ("head", "piece"),
        [
            (
                b"POST /api/nope HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
                b"x" * 65536,
            ),
            (b"", b"GET /api/health/live HTTP/1.1\r\nHost: a\r\n\r\n" * 100),
        ],
        ids=["unread body", "pipeline"],
    )
    def test_others_are_served_before_it_ends(self, single, head, piece):
        stop = Event()

        def flood():
            """Send at most 100 MB, as fast as the server reads."""
            with connections(single, 1, head) as (flooding,), suppress(OSError):
                flooding.settimeout(1)
                for _ in range(100_000_000 // len(piece)):
                    if stop.is_set():
                        return True
                    flooding.sendall(piece)
            return False  # the server has closed the connection, or no longer reads

        with ThreadPoolExecutor(1) as threads:
            flooding = threads.submit(flood)
            # A blocked request would wait for the end of the flood, or for 30 s: then gunicorn
            # kills the worker.
            responses = [httpx.get(f"{single.url}/api/health/live", timeout=20) for _ in range(5)]
            stop.set()
            flooding.result()

        assert {response.status_code for response in responses} == {200}
