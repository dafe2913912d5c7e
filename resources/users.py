"""Accounts: /api/users."""

from typing import Any

from sqlalchemy import Row

from app.auth import limits
from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.users import Scope, User
from schemas.ids import path_parameter
from schemas.users import (
    USER_ID,
    AdministeredUserSchema,
    PasswordChangeSchema,
    ProfileChangeSchema,
    UserChangeSchema,
    UserQuerySchema,
    UserSchema,
)
from services import users
from services.errors import LastAdmin
from services.pages import Page, PageRequest

DESCRIPTION = """\
Who there is. Everybody reads and changes their own profile at `/api/users/me`. Administrators see
all accounts, give the role `admin`, and deactivate accounts; one that is deactivated is signed
out everywhere at once. The last active administrator stays one.
"""

blp = Blueprint("users", __name__, url_prefix="/api/users", description=DESCRIPTION)


@blp.route("/me")
class Me(Resource):
    @blp.response(200, UserSchema)
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="getProfile")
    def get(self) -> Row[Any]:
        """Get your profile.

        It says who the access token belongs to.
        """
        return self.user

    @blp.arguments(ProfileChangeSchema)
    @blp.response(200, UserSchema)
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="updateProfile")
    def patch(self, changes: dict[str, Any]) -> User:
        """Change your name or phone number.

        What is left out stays as it is.
        """
        return users.update_profile(self.session, self.principal, changes, self.if_match)


@blp.route("/me/password")
class MyPassword(Resource):
    @limits.password
    @blp.arguments(PasswordChangeSchema)
    @blp.response(204)
    @requires(Scope.PROFILE)
    @blp.doc(operationId="changePassword")
    def put(self, body: dict[str, str]) -> None:
        """Set a new password, and sign out everywhere else.

        It takes the current one as well. The session that asks goes on.
        """
        self.session.rollback()  # argon2 must not hold a database connection
        known_hash = self.user.password_hash
        new_hash = users.hash_new_password(
            known_hash, body["current_password"], body["new_password"], self.refused_passwords
        )
        users.change_password(self.session, self.principal, known_hash, new_hash)


@blp.route("")
class Users(Resource):
    @blp.paginated(UserQuerySchema, AdministeredUserSchema)
    @may_lag
    @requires(Scope.USERS_MANAGE)
    @blp.doc(operationId="listUsers")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List all users, newest first.

        The list can be filtered by role, and by who may sign in.
        """
        return users.list_all(self.session, page, filters)


@blp.route("/<user_id>", parameters=[path_parameter("user_id", USER_ID)])
class Account(Resource):
    @blp.response(200, AdministeredUserSchema)
    @blp.etag
    @may_lag
    @requires(Scope.USERS_MANAGE)
    @blp.doc(operationId="getUser")
    def get(self, user_id: str) -> Row[Any]:
        """Get a user.

        An administrator sees more of an account than its user does.
        """
        return users.get(self.session, user_id)

    @blp.arguments(UserChangeSchema)
    @blp.response(200, AdministeredUserSchema)
    @blp.etag
    @blp.raises(LastAdmin)
    @requires(Scope.USERS_MANAGE)
    @blp.doc(operationId="updateUser")
    def patch(self, changes: dict[str, Any], user_id: str) -> User:
        """Change a user's role, deactivate or reactivate a user.

        What is left out stays as it is. A user who is deactivated is signed out everywhere.
        """
        return users.administer(self.session, user_id, changes, self.if_match)
