"""An erasure and requests of the same person at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.users import Role, User
from services import erasure
from tests.support.erasures import Person, during_erasure
from tests.support.personal_data import found

ACTIONS = [Person.login, Person.refresh, Person.rename, Person.create_key, Person.erase]


@pytest.mark.parametrize("action", ACTIONS)
def test_request_during_an_erasure_returns_401_and_stores_nothing(server_engine, person, action):
    response = during_erasure(server_engine, person, lambda: action(person))

    assert response.status_code == 401, response.text
    with server_engine.connect() as connection:
        assert found(connection, person.marker) == {person.marker: set()}


def test_parallel_requests_and_erasures_leave_no_personal_data(new_person, server_engine):
    people = [new_person() for _ in range(10)]
    calls = [(person, action) for person in people for action in ACTIONS * 2]

    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda call: (call[1], call[1](call[0])), calls))

    erasures = [response for action, response in responses if action is Person.erase]
    erased = Counter(response.status_code for response in erasures)
    assert erased == {204: 10, 401: 10}
    assert max(response.status_code for _, response in responses) < 500
    with server_engine.connect() as connection:
        assert not any(found(connection, *(each.marker for each in people)).values())


def test_erasure_of_a_user_does_not_lock_administrators(server_engine, person):
    with Session(server_engine) as session, session.begin():
        session.add(User(email=f"{uuid4()}@example.com", password_hash="", role=Role.ADMIN))
    admins = select(User.id).where(User.role == Role.ADMIN).with_for_update(nowait=True)
    with Session(server_engine) as erasing, Session(server_engine) as other:
        erasure.erase(erasing, person.principal, person.principal.id)
        assert other.scalars(admins).all()
        erasing.rollback()
