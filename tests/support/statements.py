"""Collect the SQL statements of an engine."""

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def statements(engine):
    """Collect the statements that the engine executes, without the savepoints of the tests."""
    seen = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "SAVEPOINT" not in statement:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
