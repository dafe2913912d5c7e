"""Signing up, in and out: /api/auth."""

from typing import Any

from app.auth import limits
from app.auth.tokens import events, issue, refresh_claims, successor_id
from app.db.database import database
from app.http.access import public, requires
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from models.users import Scope, User
from schemas.ids import path_parameter
from schemas.pages import PageQuerySchema
from schemas.sessions import (
    SESSION_ID,
    CredentialsSchema,
    LogoutSchema,
    RefreshSchema,
    SessionSchema,
    TokensSchema,
)
from schemas.users import RegistrationSchema, UserSchema
from services import sessions, users
from services.errors import (
    EmailTaken,
    InvalidRefreshToken,
    RefreshSuperseded,
    RefreshTokenReused,
    WrongCredentials,
)
from services.pages import Page, PageRequest

DESCRIPTION = """\
Open an account, sign in, stay signed in, sign out. A sign-in is a session: it gives an access
token for half an hour or so, and a refresh token that is good for one exchange against new ones.
A session ends when it is signed out, when the password changes elsewhere, or after 30 days
without a refresh.
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
        """Open an account.

        It can sign in at once. The address must not have an account yet.
        """
        return users.register(self.session, **account, refused=self.refused_passwords)


@blp.route("/login")
class Login(Resource):
    # Flask-Limiter checks from the bottom up and stops at a limit that is exceeded, so an address
    # that is over its own limits does not use up the limit of the account.
    @limits.login_account
    @limits.login
    @limits.login_address
    @blp.arguments(CredentialsSchema)
    @blp.response(200, TokensSchema)
    @blp.links(refresh={"refresh_token": "$response.body#/refresh_token"})
    @blp.raises(WrongCredentials)
    @public
    @blp.doc(operationId="login")
    def post(self, credentials: dict[str, str]) -> dict[str, Any]:
        """Sign in.

        Wrong password and unknown account get the same answer, after the same time.
        """
        account = sessions.find_account(self.session, credentials["email"])
        self.session.rollback()  # argon2 must not hold a database connection
        verified = sessions.verify_password(
            account, credentials["password"], self.refused_passwords
        )
        return issue(sessions.sign_in(self.session, *verified, self.client))


@blp.route("/refresh")
class Refresh(Resource):
    @blp.arguments(RefreshSchema)
    @blp.response(200, TokensSchema)
    @blp.raises(InvalidRefreshToken, RefreshSuperseded)
    @public
    @blp.doc(operationId="refresh")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Exchange a refresh token for new tokens.

        A refresh token is good for one exchange. If the response is lost, repeat the request
        within ten seconds to get the same refresh token again. A later repeat ends the session,
        because the token may have been stolen.
        """
        claims = refresh_claims(body["refresh_token"])
        try:
            grant = sessions.refresh(
                self.session, claims["sub"], claims["sid"], claims["jti"], successor_id(claims)
            )
        except RefreshTokenReused:
            self.session.rollback()
            # The error response must not roll this back.
            with database.transaction() as session:
                sessions.end_reused(session, claims["sid"])
            raise
        if grant.repeated:
            self.after_commit(lambda: events.send("refresh_repeated"))
        return issue(grant)


@blp.route("/logout")
class Logout(Resource):
    @blp.arguments(LogoutSchema, required=False)
    @blp.response(204)
    @requires(Scope.PROFILE)
    @blp.doc(operationId="logout")
    def post(self, body: dict[str, str]) -> None:
        """Sign out: of this session, of all, or of all others.

        The tokens of a session that has ended are refused from then on, access tokens too.
        """
        sessions.sign_out(self.session, self.principal, sessions.Which(body["sessions"]))


@blp.route("/sessions")
class Sessions(Resource):
    @blp.paginated(PageQuerySchema, SessionSchema)
    @requires(Scope.PROFILE)
    @blp.doc(operationId="listSessions")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List where you are signed in.

        The latest sign-in comes first; sessions that have ended are not listed.
        """
        return sessions.list_mine(self.session, self.principal, page)


@blp.route("/sessions/<session_id>", parameters=[path_parameter("session_id", SESSION_ID)])
class Session(Resource):
    @blp.response(204)
    @requires(Scope.PROFILE)
    @blp.doc(operationId="endSession")
    def delete(self, session_id: str) -> None:
        """Sign one of your sessions out.

        For the telephone that was left in the train. Its tokens are refused from then on.
        """
        sessions.end(self.session, self.principal, session_id)
