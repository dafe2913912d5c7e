"""Start time of a request; see also tests/system/test_queue_time.py."""

import socket
import sys
import time
from contextlib import closing

import pytest

from app.observability import queue_time


class Connection:
    """Connection whose last data arrived some milliseconds ago."""

    def __init__(self, milliseconds):
        self.milliseconds = milliseconds

    def getsockopt(self, *_):
        return bytes(52) + self.milliseconds.to_bytes(4, sys.byteorder)


def waited(**environ):
    now = time.perf_counter()
    return now - queue_time.start_time(environ)


def test_start_time_is_when_the_last_data_arrived():
    assert waited(**{"gunicorn.socket": Connection(60_000)}) > 59


def test_short_times_of_the_kernel_are_ignored():
    assert waited(**{"gunicorn.socket": Connection(queue_time.MIN_MILLISECONDS - 1)}) <= 0


def test_request_without_gunicorn_starts_now():
    assert waited() <= 0


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="has no Unix sockets")
def test_unix_socket_has_no_queue_time():
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(b"x")

        assert queue_time.milliseconds_since_data(ours) == 0
