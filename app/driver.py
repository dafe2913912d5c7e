"""psycopg2, with fewer round trips to PostgreSQL.

What returns nothing that somebody waits for is sent together with the statement after it: the BEGIN
of a transaction, what has to hold before it goes on, what is written down at its end.
docs/decisions/0023-one-question-for-many.md says what that is good for.
"""

from typing import Any

from psycopg2 import InternalError, extensions
from psycopg2.extensions import (
    TRANSACTION_STATUS_IDLE,
    TRANSACTION_STATUS_INERROR,
    TRANSACTION_STATUS_UNKNOWN,
)

BEGIN, COMMIT = b"BEGIN", "COMMIT"
NOTHING_TO_ROLL_BACK = {TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN}


class Connection(extensions.connection):
    """A connection whose transactions begin with their first statement, and not before it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # psycopg2's own BEGIN is sent by itself
        self.deferred: list[bytes] = []
        self.required = False  # whether there is a condition among them

    def begin(self) -> None:
        """Begin a transaction, at the next statement."""
        self.forget_deferred()
        self.deferred.append(BEGIN)

    def commit(self) -> None:
        """Send what is deferred and a COMMIT, unless nothing has been asked.

        Raises:
            InternalError: a statement has failed, and somebody passed over it. PostgreSQL answers
                such a COMMIT by a ROLLBACK, and psycopg2 doesn't tell.
        """
        if self.deferred in ([], [BEGIN]) and self._idle():
            self.forget_deferred()
            return
        try:
            with self.cursor() as cursor:
                cursor.execute(COMMIT)
                if cursor.statusmessage != COMMIT:
                    raise InternalError("A statement of this transaction has failed.")
        except BaseException:
            # Of what was sent with it; SQLAlchemy takes the transaction to be over.
            self.rollback()
            raise

    def rollback(self) -> None:
        """Forget what is deferred, and undo what has been sent."""
        self.forget_deferred()
        if self.info.transaction_status not in NOTHING_TO_ROLL_BACK:
            with self.cursor() as cursor:
                cursor.execute("ROLLBACK")

    def forget_deferred(self) -> None:
        """It has been sent, or isn't to be sent any more."""
        self.deferred, self.required = [], False

    def _idle(self) -> bool:
        return self.info.transaction_status == TRANSACTION_STATUS_IDLE


class Cursor(extensions.cursor):
    """Sends what its connection has deferred with what it executes.

    A result is that of the last statement; when one fails, those after it are not run.
    """

    connection: Connection

    def defer(self, statement: str, values: Any = None) -> None:
        """Have a statement run before the next one; its result is lost."""
        self.connection.deferred.append(self.mogrify(statement, values))

    def require(self, statement: str, values: Any = None) -> None:
        """Defer a statement that fails if something is not as it has to be."""
        self.defer(statement, values)
        self.connection.required = True

    def execute(self, statement: Any, values: Any = None) -> None:
        connection = self.connection
        if not connection.deferred:
            super().execute(statement, values)
            return
        try:
            super().execute(b";".join([*connection.deferred, self.mogrify(statement, values)]))
        except BaseException:
            # Else it is still to be sent: values didn't fit, or the message was no SQL.
            if connection.info.transaction_status == TRANSACTION_STATUS_INERROR:
                connection.forget_deferred()
            raise
        connection.forget_deferred()

    def executemany(self, statement: Any, values: Any) -> None:
        self.send_deferred()
        super().executemany(statement, values)

    def copy_expert(self, *args: Any, **kwargs: Any) -> None:
        self.send_deferred()
        super().copy_expert(*args, **kwargs)

    def send_deferred(self) -> None:
        """Send it now. Not as the statement itself, which a trace would show with its values."""
        if self.connection.deferred:
            self.execute("SELECT")
