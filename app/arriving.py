"""When a request is there, as far as a thread is concerned."""

import re

# gunicorn's parser has limits for each line, and reads on as long as those allow.
MAX_HEAD = 128 * 1024
END_OF_HEAD = b"\r\n\r\n"
SMALL_BODY = 64 * 1024
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)
# Without a body, because nobody must be able to keep that thread waiting.
LIVENESS = re.compile(
    rb"GET /api/health/live HTTP/1\.[01]\r\n"
    rb"((?!content-length|transfer-encoding|expect)[^\r\n]+\r\n)*\r\n",
    re.IGNORECASE,
)


class Arriving:
    """A request, as far as it has arrived; each byte is looked at once."""

    def __init__(self, begin: bytes = b"") -> None:
        self.data = bytearray()
        self.needed: int | None = None  # how long it is, once its head is there
        if begin:
            self.add(begin)

    def add(self, data: bytes) -> None:
        searched = max(0, len(self.data) - len(END_OF_HEAD))
        self.data += data
        if self.needed is None and (end := self.data.find(END_OF_HEAD, searched)) >= 0:
            self.needed = end + len(END_OF_HEAD) + self._body(end)

    def _body(self, end: int) -> int:
        """The length of a small body.

        A large one is left to the thread and its deadline, and so is a client that waits for a
        `100 Continue`.
        """
        length = LENGTH.search(self.data, 0, end + 2)
        if length is None or EXPECT.search(self.data, 0, end + 2):
            return 0
        return int(length[1]) if int(length[1]) <= SMALL_BODY else 0

    @property
    def complete(self) -> bool:
        """Whether a thread can do something with it."""
        return self.needed is not None and len(self.data) >= self.needed

    @property
    def too_long(self) -> bool:
        """Whether its head has no end; a thread would have to wait for that."""
        return self.needed is None and len(self.data) >= MAX_HEAD
