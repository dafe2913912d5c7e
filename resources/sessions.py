"""Registration, sign-in, refresh, sign-out and sessions: /api/auth."""

import time
from typing import Any

from flask import g
from sqlalchemy import Row

from app.auth import challenges, limits
from app.auth.tokens import events, issue, refresh_claims, successor_id
from app.db.database import database
from app.http.access import public, requires
from app.http.blueprint import Blueprint
from app.http.mail import check_verified, mail_enabled
from app.http.resource import Resource
from models.users import Scope, User
from schemas.ids import path_parameter
from schemas.pages import PageQuerySchema
from schemas.second_factors import SecondFactorLoginSchema
from schemas.sessions import (
    SESSION_ID,
    CredentialsSchema,
    LogoutSchema,
    RefreshSchema,
    SessionSchema,
    TokensSchema,
)
from schemas.users import RegistrationSchema, UserSchema
from services import second_factors, sessions, sign_in, users
from services.errors import (
    EmailNotVerified,
    EmailTaken,
    InvalidRefreshToken,
    RefreshSuperseded,
    RefreshTokenReused,
    WrongCredentials,
)
from services.pages import Page, PageRequest
from services.principals import Actor
from services.second_factors import InvalidChallenge, SecondFactorRequired, WrongCode

DESCRIPTION = """\
Registration, sign-in, refresh and sign-out. A sign-in creates a session with two tokens: a
short-lived access token, and a refresh token that you can exchange once for new tokens. A session
ends when you sign out, after 30 days without a refresh, or for security, for example when the
password is changed in another session.
"""

blp = Blueprint("auth", __name__, url_prefix="/api/auth", description=DESCRIPTION)


@blp.route("/register")
class Registration(Resource):
    @limits.register
    @blp.arguments(RegistrationSchema)
    @blp.created(UserSchema, "/api/users/me")
    @blp.links(login={"email": "$request.body#/email", "password": "$request.body#/password"})
    @blp.raises(EmailTaken)
    @public
    @blp.doc(operationId="register")
    def post(self, account: dict[str, Any]) -> User:
        """Create an account.

        Then sign in; the service can require that you verify the email address first. If the first
        attempt succeeded, a retry gets a 409 `email-taken`: sign in.
        """
        return users.register(
            self.session,
            **account,
            rules=self.password_rules,
            request_id=g.request_id,
            verifies=mail_enabled(),
        )


@blp.route("/login")
class Login(Resource):
    # Flask-Limiter checks from the bottom up and stops at a limit that is exceeded. So an IP
    # address that is over its own limits does not use up the limit of the account.
    @limits.login_account
    @limits.login
    @limits.login_address
    @blp.arguments(CredentialsSchema)
    @blp.response(200, TokensSchema)
    @blp.links(refresh={"refresh_token": "$response.body#/refresh_token"})
    @blp.raises(WrongCredentials, EmailNotVerified, SecondFactorRequired)
    @public
    @blp.doc(operationId="login")
    def post(self, credentials: dict[str, str]) -> dict[str, Any]:
        """Sign in.

        Creates a session. A wrong password and an unknown account get the same response, after the
        same time. A retry creates another session. An account with a second factor gets a 401
        `second-factor-required` with a `challenge`: send it with a code to
        `POST /api/auth/login/second-factor`.
        """
        # A separate database session, because argon2 must not hold a database connection.
        with database.session(autocommit=True) as session:
            account = sign_in.find_account(session, credentials["email"])
        account, new_hash = sign_in.verify_password(
            account, credentials["password"], self.refused_passwords
        )
        check_verified(account, "login")
        if account.second_factor:
            raise self.second_factor_required(account, new_hash)
        sign_in.store_hash(self.session, account, new_hash)
        grant = sessions.open_session(self.session, account, new_hash, self.client)
        return issue(grant, int(time.time()))

    def second_factor_required(self, account: Row[Any], new_hash: str) -> SecondFactorRequired:
        """Return the error with the challenge, and store a renewed password hash."""
        # Separate, because the error rolls back the transaction of the request.
        with database.transaction() as session:
            sign_in.store_hash(session, account, new_hash)
        return SecondFactorRequired(challenge=challenges.issue(account.id, new_hash))


@blp.route("/login/second-factor")
class SecondFactorLogin(Resource):
    @limits.second_factor_login
    @limits.second_factor_address
    @blp.arguments(SecondFactorLoginSchema)
    @blp.response(200, TokensSchema)
    @blp.raises(InvalidChallenge, WrongCode)
    @public
    @blp.doc(operationId="loginWithSecondFactor")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Complete a sign-in with a code.

        Creates a session. A challenge is valid for at most five minutes, and ends when the password
        changes. A code works once: if the response is lost, wait for the next code.
        """
        user_id, version = challenges.read(body["challenge"])
        actor = Actor(user_id, g.request_id)
        grant = second_factors.sign_in(
            self.session, user_id, version, body["code"], self.client, actor
        )
        return issue(grant, int(time.time()))


@blp.route("/refresh")
class Refresh(Resource):
    @blp.arguments(RefreshSchema)
    @blp.response(200, TokensSchema)
    @blp.raises(InvalidRefreshToken, RefreshSuperseded)
    @public
    @blp.doc(operationId="refresh")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Exchange a refresh token for new tokens.

        You can exchange a refresh token once. If the response is lost, retry within ten seconds to
        get the same refresh token again. A later retry ends the session, because the token may
        have been stolen.
        """
        claims = refresh_claims(body["refresh_token"])
        try:
            grant = sessions.refresh(
                self.session, claims["sub"], claims["sid"], claims["jti"], successor_id(claims)
            )
        except RefreshTokenReused:
            self.session.rollback()
            # Separate, because the error rolls back the transaction of the request.
            with database.transaction() as session:
                sessions.end_reused(session, claims["sub"], claims["sid"], g.request_id)
            raise
        if grant.repeated:
            self.after_commit(lambda: events.send("refresh_repeated"))
        # Tokens of an older release have no `auth_time`.
        return issue(grant, claims.get("auth_time", 0))


@blp.route("/logout")
class Logout(Resource):
    @blp.arguments(LogoutSchema, required=False)
    @blp.response(204)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="logout")
    def post(self, body: dict[str, str]) -> None:
        """Sign out.

        Ends the current session, all your sessions, or all your other sessions. Access and refresh
        tokens of an ended session stop working immediately. If the current session has ended, a
        retry gets a 401.
        """
        sessions.sign_out(self.session, self.principal, sessions.SessionSelection(body["sessions"]))


@blp.route("/sessions")
class Sessions(Resource):
    @blp.paginated(PageQuerySchema, SessionSchema)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="listSessions")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List your active sessions, newest first.

        Sessions that have ended are not listed.
        """
        return sessions.list_mine(self.session, self.principal, page)


@blp.route("/sessions/<session_id>", parameters=[path_parameter("session_id", SESSION_ID)])
class Session(Resource):
    @blp.response(204)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="endSession")
    def delete(self, session_id: str) -> None:
        """End one of your sessions.

        Use it to sign out a lost device. The tokens of the session stop working immediately. If
        the session has ended, a retry gets a 404, or a 401 if it was the current session.
        """
        sessions.end(self.session, self.principal, session_id)
