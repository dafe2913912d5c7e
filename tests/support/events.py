"""Requests that record events; each returns the response and the expected event."""

from datetime import timedelta
from typing import Any, NamedTuple

import jwt
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.events import Event, EventType
from models.sessions import AuthSession
from models.users import User
from schemas.event_examples import example
from tests.support.api_keys import URL, new_key
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD, UserFactory
from tests.support.mails import mailed_token
from tests.support.second_factors import URL as SECOND_FACTOR
from tests.support.second_factors import code_of, enrolled, enrolment

EMAIL, NAME, PHONE = "ada@example.net", "Ada Lovelace", "+14155550100"


class Expected(NamedTuple):
    resource_id: str
    resource_version: int | None
    actor_id: str | None
    data: dict[str, Any]


class World(NamedTuple):
    """The callers of a test."""

    app: Flask
    session: Session
    user: User
    admin: User
    as_user: ApiClient
    as_admin: ApiClient


Result = tuple[TestResponse, Expected]


def register(world: World) -> Result:
    account = {"email": EMAIL, "password": PASSWORD, "name": NAME, "phone": PHONE}
    response = ApiClient(world.app).post("/api/auth/register", json=account)
    user_id = response.json["id"]
    return response, Expected(user_id, 1, user_id, {"role": "user"})


def deactivate(world: World) -> Result:
    user = UserFactory()
    response = world.as_admin.patch(f"/api/users/{user.id}", json={"is_active": False})
    return response, Expected(user.id, 2, world.admin.id, {})


def change_role(world: World) -> Result:
    user = UserFactory()
    response = world.as_admin.patch(f"/api/users/{user.id}", json={"role": "admin"})
    return response, Expected(user.id, 2, world.admin.id, {"role": "admin"})


def erase(world: World) -> Result:
    user = UserFactory()
    response = world.as_admin.delete(f"/api/users/{user.id}")
    return response, Expected(user.id, 2, world.admin.id, {})


def reuse_a_refresh_token(world: World) -> Result:
    client = ApiClient(world.app).signed_in(world.user)
    body = {"refresh_token": client.tokens["refresh_token"]}
    claims = jwt.decode(body["refresh_token"], options={"verify_signature": False})
    client.post("/api/auth/refresh", json=body)
    long_ago = AuthSession.refreshed_at - timedelta(hours=1)
    world.session.execute(update(AuthSession).values(refreshed_at=long_ago))
    world.session.commit()
    response = client.post("/api/auth/refresh", json=body)
    return response, Expected(claims["sid"], None, None, {"user_id": world.user.id})


def enable_totp(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app).signed_in(user)
    secret = enrolment(client, PASSWORD)["secret"]
    response = client.post(f"{SECOND_FACTOR}/confirm", json={"code": code_of(secret)})
    return response, Expected(user.id, 2, user.id, {})


def disable_totp(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app).signed_in(user)
    body = {"code": code_of(enrolled(client, user.email, PASSWORD).secret)}
    response = client.post(f"{SECOND_FACTOR}/disable", json=body)
    return response, Expected(user.id, 3, user.id, {})


def use_recovery_code(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app).signed_in(user)
    factor = enrolled(client, user.email, PASSWORD)
    response = factor.sign_in(client, factor.recovery_codes[0])
    return response, Expected(user.id, 2, user.id, {})


def replace_recovery_codes(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app).signed_in(user)
    body = {"code": code_of(enrolled(client, user.email, PASSWORD).secret)}
    response = client.post(f"{SECOND_FACTOR}/recovery-codes", json=body)
    return response, Expected(user.id, 2, user.id, {})


def change_password(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app).signed_in(user)
    body = {"current_password": PASSWORD, "new_password": "another horse battery"}
    response = client.put("/api/users/me/password", json=body)
    return response, Expected(user.id, 2, user.id, {})


def create_key(world: World) -> Result:
    response = world.as_user.post(URL, json={"name": NAME, "scopes": ["profile"]})
    data = {"user_id": world.user.id}
    return response, Expected(response.json["id"], None, world.user.id, data)


def revoke_key(world: World) -> Result:
    key_id = new_key(world.as_user, name=NAME)["id"]
    response = world.as_admin.delete(f"{URL}/{key_id}")
    return response, Expected(key_id, None, world.admin.id, {"user_id": world.user.id})


def verify_email(world: World) -> Result:
    user, location = UserFactory(email_verified_at=None), "/api/auth/verify-email"
    ApiClient(world.app).signed_in(user).post(f"{location}/resend")
    body = {"token": mailed_token(world.app, user.email)}
    response = ApiClient(world.app).post(location, json=body)
    return response, Expected(user.id, 2, user.id, {})


def change_email(world: World) -> Result:
    user = UserFactory()
    body = {"email": "lovelace@example.net", "password": PASSWORD}
    ApiClient(world.app).signed_in(user).post("/api/users/me/email", json=body)
    body = {"token": mailed_token(world.app, "lovelace@example.net")}
    response = ApiClient(world.app).post("/api/auth/confirm-email", json=body)
    return response, Expected(user.id, 2, user.id, {})


def reset_password(world: World) -> Result:
    user = UserFactory()
    client = ApiClient(world.app)
    client.post("/api/auth/forgot-password", json={"email": user.email})
    body = {"token": mailed_token(world.app, user.email), "password": f"new {PASSWORD}"}
    response = client.post("/api/auth/reset-password", json=body)
    return response, Expected(user.id, 2, user.id, {})


ENDPOINTS = "/api/webhook-endpoints"


def create_endpoint(world: World) -> Result:
    response = world.as_admin.post(ENDPOINTS, json={"url": "https://shop.example/hooks"})
    return response, Expected(response.json["id"], 1, world.admin.id, {})


def update_endpoint(world: World) -> Result:
    _, created = create_endpoint(world)
    location = f"{ENDPOINTS}/{created.resource_id}"
    response = world.as_admin.patch(location, json={"description": NAME})
    return response, created._replace(resource_version=2)


def delete_endpoint(world: World) -> Result:
    _, created = create_endpoint(world)
    response = world.as_admin.delete(f"{ENDPOINTS}/{created.resource_id}")
    return response, created


def rotate_secret(world: World) -> Result:
    _, created = create_endpoint(world)
    response = world.as_admin.post(f"{ENDPOINTS}/{created.resource_id}/secret")
    return response, created._replace(resource_version=2)


CAUSES = {
    EventType.USER_REGISTERED: register,
    EventType.USER_DEACTIVATED: deactivate,
    EventType.USER_ROLE_CHANGED: change_role,
    EventType.USER_EMAIL_VERIFIED: verify_email,
    EventType.USER_EMAIL_CHANGED: change_email,
    EventType.USER_PASSWORD_RESET: reset_password,
    EventType.USER_TOTP_ENABLED: enable_totp,
    EventType.USER_TOTP_DISABLED: disable_totp,
    EventType.USER_RECOVERY_CODE_USED: use_recovery_code,
    EventType.USER_RECOVERY_CODES_REPLACED: replace_recovery_codes,
    EventType.USER_PASSWORD_CHANGED: change_password,
    EventType.USER_ERASED: erase,
    EventType.SESSION_REUSE_DETECTED: reuse_a_refresh_token,
    EventType.API_KEY_CREATED: create_key,
    EventType.API_KEY_REVOKED: revoke_key,
    EventType.WEBHOOK_ENDPOINT_CREATED: create_endpoint,
    EventType.WEBHOOK_ENDPOINT_UPDATED: update_endpoint,
    EventType.WEBHOOK_ENDPOINT_DELETED: delete_endpoint,
    EventType.WEBHOOK_ENDPOINT_SECRET_ROTATED: rotate_secret,
}


def recorded(session: Session, *types: EventType) -> list[Event]:
    """Return the events, or those of the given types, in the order of their ids."""
    wanted = [Event.type.in_(types)] if types else []
    return list(session.scalars(select(Event).where(*wanted).order_by(Event.id)))


def check_recorded(session: Session, event_type: EventType, result: Result) -> None:
    """Check that a request has recorded one event of the type, as expected."""
    response, expected = result
    [event] = recorded(session, event_type)
    found = Expected(event.resource_id, event.resource_version, event.actor_id, event.data)
    assert found == expected
    assert event.data.keys() == example(event_type)["data"].keys()
    assert event.request_id == response.headers["X-Request-ID"]


def check_no_personal_data(session: Session, *others: str) -> None:
    """Check that no column of an event contains personal data of the tests."""
    rows = session.scalars(text("SELECT events::text FROM events")).all()
    emails = session.scalars(select(User.email)).all()
    names = session.scalars(select(User.name).where(User.name != "")).all()

    assert rows
    for value in {EMAIL, NAME, PHONE, *emails, *names, *others}:
        assert [row for row in rows if value in row] == []
