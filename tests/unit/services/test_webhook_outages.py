"""The deliverer without PostgreSQL."""

from threading import Thread

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker

from commands.webhooks import body
from services.webhook_deliverer import Deliverer
from tests.support.waiting import wait_for
from tests.support.webhooks import rules


@pytest.fixture
def transaction():
    nothing_listens_here = create_engine("postgresql+psycopg2://127.0.0.1:1/none")
    return sessionmaker(nothing_listens_here).begin


def test_single_run_fails_and_does_not_wait(transaction):
    deliverer = Deliverer(transaction, body, rules())

    with pytest.raises(OperationalError):
        deliverer.run(once=True)


def test_deliverer_beats_while_it_waits_for_postgres(transaction):
    beats = []
    deliverer = Deliverer(transaction, body, rules(), beat=lambda: beats.append(1))
    thread = Thread(target=deliverer.run)
    thread.start()
    try:
        wait_for(lambda: len(beats) > 2)
    finally:
        deliverer.stopping.set()
        thread.join()
