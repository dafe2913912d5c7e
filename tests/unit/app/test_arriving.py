"""When a request is complete enough for a thread; tests/system has the rest."""

import pytest

from app.arriving import LIVENESS, MAX_HEAD, SMALL_BODY, Arriving

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


class TestComplete:
    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
            POST + b"Content-Length: 2\r\n\r\n{",
            POST + b"content-length:2\r\n\r\n",
            POST + b"Content-Length: %d\r\n\r\n" % SMALL_BODY,
        ],
    )
    def test_not_before_the_head_and_a_small_body_are_there(self, request_bytes):
        assert not Arriving(request_bytes).complete

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            POST + b"Content-Length: 2\r\n\r\n{}",
            POST + b"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n",
            POST + b"Content-Length: %d\r\n\r\n" % (SMALL_BODY + 1),
            POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
            POST + b"Transfer-Encoding: chunked\r\n\r\n",
            POST + b"Content-Length: -1\r\n\r\n",
        ],
    )
    def test_and_at_once_when_a_thread_has_something_to_do(self, request_bytes):
        assert Arriving(request_bytes).complete

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
    def test_however_it_is_cut_into_packets(self, size):
        whole = POST + b"Content-Length: 2\r\n\r\n{}"
        arriving = Arriving()
        for begin in range(0, len(whole), size):
            assert not arriving.complete
            arriving.add(whole[begin : begin + size])

        assert arriving.complete
        assert bytes(arriving.data) == whole


class TestTooLong:
    def test_is_a_head_without_an_end(self):
        assert Arriving(b"x" * MAX_HEAD).too_long
        assert not Arriving(b"x" * MAX_HEAD).complete

    @pytest.mark.parametrize("begin", [b"", b"x" * (MAX_HEAD - 1), b"x" * MAX_HEAD + b"\r\n\r\n"])
    def test_is_nothing_else(self, begin):
        assert not Arriving(begin).too_long


class TestLiveness:
    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GET /api/health/live HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.30\r\n\r\n",
            b"GET /api/health/live HTTP/1.0\r\n\r\n",
        ],
    )
    def test_has_a_thread_of_its_own(self, request_bytes):
        assert LIVENESS.fullmatch(request_bytes)

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST /api/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /api/health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n",
            b"GET /api/health/live HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            b"GET /api/health/live HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            b"GET /api/health/live HTTP/1.1\r\n\r\nGET /api/health/live HTTP/1.1\r\n\r\n",
        ],
    )
    def test_but_nobody_who_could_keep_it_waiting(self, request_bytes):
        assert not LIVENESS.fullmatch(request_bytes)
