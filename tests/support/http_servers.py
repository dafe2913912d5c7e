"""An HTTP server for tests."""

from http.server import ThreadingHTTPServer


class BurstServer(ThreadingHTTPServer):
    """Accepts many connections at once; with Python's queue of 5, Linux resets some of them."""

    daemon_threads = True
    request_queue_size = 128
