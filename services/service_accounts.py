"""Service accounts: users without a password, which own the API keys of programs."""

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import table
from models.events import EventType
from models.users import SERVICE_DOMAIN, USER_ID, Role, Scope, User
from services import events, passwords
from services.errors import EmailTaken, Forbidden, InvalidInput
from services.principals import Principal, actor_of


def owner_of_key(session: Session, principal: Principal, service_account: str | None) -> User:
    """Return the owner of a new key, locked, so that parallel requests respect the key limit."""
    if service_account is None:
        return session.scalars(_locked(User.id == principal.id)).one()
    if not principal.may(Scope.USERS_MANAGE):
        raise Forbidden
    return _service_account(session, principal, service_account)


def _service_account(session: Session, principal: Principal, name: str) -> User:
    """Return the service account with this name; create it if it does not exist.

    Raises:
        EmailTaken: an account that is not a service account has the address of this name.
        InvalidInput: the account is not active.
    """
    email = f"{name}{SERVICE_DOMAIN}"
    values = {"id": USER_ID.new(), "email": email, "name": name, "role": Role.SERVICE}
    new = insert(table(User)).values(values | {"password_hash": passwords.UNUSABLE})
    added = new.on_conflict_do_nothing(index_elements=["email"]).returning(User.id)
    if user_id := session.scalars(added).one_or_none():
        actor, role = actor_of(principal), Role.SERVICE
        events.record(session, EventType.USER_REGISTERED, user_id, 1, actor, role=role)
    user = session.scalars(_locked(User.email == email)).one()
    if user.role != Role.SERVICE:
        raise EmailTaken
    if not user.is_active:
        raise InvalidInput.at(["/service_account"], "This service account is not active.")
    return user


def _locked(where: ColumnElement[bool]) -> Select[User]:
    return select(User).where(where).with_for_update(key_share=True)
