"""A socket with deadlines, between two ends in one process."""

import time
from contextlib import suppress
from select import POLLIN
from socket import socket
from threading import Thread

import pytest

from app.timed_socket import PIECE, TimedSocket

# More than the buffers between two sockets hold.
MUCH = 64 * 1024 * 1024


@pytest.fixture
def ends():
    """Ours, which is timed, and the client's."""
    with socket() as listener, socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.settimeout(10)
        client.connect(listener.getsockname())
        with TimedSocket(listener.accept()[0]) as ours:
            yield ours, client


def received(client, length):
    data = b""
    while len(data) < length:
        data += client.recv(1024 * 1024)
    return data


def test_nothing_yet_and_nothing_any_more_are_not_the_same(ends):
    ours, client = ends
    assert ours.recv_arrived() is None

    client.close()
    ours.wait(POLLIN, time.monotonic() + 10)
    assert ours.recv_arrived() == b""


@pytest.mark.parametrize("asked_for", [None, 0, 30, True])
def test_read_ends_at_its_deadline_whatever_timeout_is_set(ends, asked_for):
    ours, _ = ends
    ours.settimeout(asked_for)

    with pytest.raises(TimeoutError):
        ours.recv(1)


def test_read_waits_until_then_for_what_comes(ends):
    ours, client = ends
    ours.deadline = time.monotonic() + 10
    reader = Thread(target=lambda: read.append(ours.recv(5)))
    read: list[bytes] = []
    reader.start()
    client.sendall(b"later")
    reader.join(10)

    assert read == [b"later"]


def test_head_and_body_go_out_together(ends):
    ours, client = ends
    ours.sendall(b"head")
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)
    ours.sendall(b"body")
    ours.flush()
    client.settimeout(10)

    assert client.recv(100) == b"headbody"


def test_much_is_not_kept(ends):
    ours, client = ends
    ours.sendall(b"x" * PIECE)

    assert received(client, PIECE) == b"x" * PIECE


def test_all_of_it_arrives_however_slowly_it_is_taken(ends):
    ours, client = ends
    sender = Thread(target=ours.sendall, args=(b"x" * MUCH,))
    sender.start()

    assert len(received(client, MUCH)) == MUCH
    sender.join(10)
    assert not sender.is_alive()


def test_who_takes_nothing_is_not_waited_for(ends):
    ours, _ = ends
    ours.send_seconds = 0.1

    with pytest.raises(TimeoutError):
        ours.sendall(b"x" * MUCH)


def test_what_gunicorn_sends_by_itself_waits_for_room_too(ends):
    """`100 Continue`, behind an answer that the client is still reading."""
    ours, client = ends
    for size in (PIECE, 1):
        with suppress(BlockingIOError):
            while True:
                socket.send(ours, b"x" * size)
    client.settimeout(0.1)
    sent: list[int] = []
    sender = Thread(target=lambda: sent.append(ours.send(b"continue")))
    sender.start()
    while sender.is_alive():
        with suppress(TimeoutError):
            client.recv(1024 * 1024)

    assert sent == [len(b"continue")]


def test_file_comes_after_what_was_written_before(ends, tmp_path):
    ours, client = ends
    (tmp_path / "file").write_bytes(b"content")
    ours.sendall(b"head")
    with (tmp_path / "file").open("rb") as file:
        ours.sendfile(file)

    assert received(client, 11) == b"headcontent"
