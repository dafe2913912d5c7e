"""A sign-in that waits for a core holds no database connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services import passwords, sessions
from services.errors import WrongCredentials

CLIENT = sessions.Client(None, None)


class RecordingSession:
    """Stands for a session, which connects with its first statement."""

    def __init__(self):
        self.statements = 0

    def execute(self, *_):
        self.statements += 1
        raise WrongCredentials


def test_no_statement_is_sent_before_there_is_a_slot():
    session = RecordingSession()
    with ThreadPoolExecutor(1) as threads:
        for _ in range(passwords.CORES):
            passwords.slots.acquire()
        try:
            waiting = threads.submit(sessions.sign_in, session, "a@example.com", "x", CLIENT)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            before = session.statements
        finally:
            for _ in range(passwords.CORES):
                passwords.slots.release()
        with pytest.raises(WrongCredentials):
            waiting.result(30)

    assert (before, session.statements) == (0, 1)
