"""User accounts: /api/users."""

from typing import Any

from sqlalchemy import Row

from app.auth import limits
from app.http.access import recent_sign_in, requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.users import Scope, User
from schemas.exports import ExportSchema
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
from services import erasure, exports, users
from services.errors import LastAdmin
from services.order_privacy import OpenOrders
from services.pages import Page, PageRequest

DESCRIPTION = """\
User accounts. Users read and change their own profile at `/api/users/me`. Administrators read all
accounts, change roles and deactivate accounts. Deactivating a user ends all sessions of the user.
The last active administrator cannot be deactivated or lose the role.
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

        The response is the user of the access token or API key.
        """
        return self.user

    @blp.arguments(ProfileChangeSchema)
    @blp.response(200, UserSchema)
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="updateProfile")
    def patch(self, changes: dict[str, Any]) -> User:
        """Change your name or phone number.

        Fields that you omit keep their values.
        """
        return users.update_profile(self.session, self.principal, changes, self.if_match)

    @blp.response(204)
    @blp.raises(LastAdmin, OpenOrders)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="eraseProfile")
    def delete(self) -> None:
        """Erase your account and your personal data.

        This cannot be undone. Deletes your email address, name, phone number, sessions and stored
        responses, and revokes your API keys. If the first attempt succeeded, a retry gets a 401.

        Orders are kept without metadata, and each part of their addresses becomes `erased`. If an
        order is not shipped yet, you get a 409 `open-orders`: cancel it first.
        """
        erasure.erase(self.session, self.principal, self.principal.id)
        self.after_commit(lambda: erasure.log(self.principal.id))


@blp.route("/me/export")
class MyExport(Resource):
    @limits.export
    @blp.response(200, ExportSchema)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="exportProfile")
    def get(self) -> dict[str, Any]:
        """Export all data about you.

        The response is one JSON document of up to several megabytes, without your password and
        tokens. The number of exports per hour is limited.
        """
        return exports.export(self.session, self.principal)


@blp.route("/me/password")
class MyPassword(Resource):
    @limits.password
    @blp.arguments(PasswordChangeSchema)
    @blp.response(204)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="changePassword")
    def put(self, body: dict[str, str]) -> None:
        """Change your password.

        Send the current password, too. Ends all your other sessions. If the first attempt
        succeeded, a retry gets a 422, because the old password is no longer valid.
        """
        self.session.rollback()  # argon2 must not hold a database connection
        known_hash = self.user.password_hash
        new_hash = users.hash_new_password(
            known_hash, body["current_password"], body["new_password"], self.password_rules
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

        Filter the list by role and by `is_active`.
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

        In addition to the profile, the response has `is_active` and `updated_at`.
        """
        return users.get(self.session, user_id)

    @blp.arguments(UserChangeSchema)
    @blp.response(200, AdministeredUserSchema)
    @blp.etag
    @blp.raises(LastAdmin)
    @requires(Scope.USERS_MANAGE)
    @blp.doc(operationId="updateUser")
    def patch(self, changes: dict[str, Any], user_id: str) -> User:
        """Change the role of a user, or deactivate or reactivate the user.

        Fields that you omit keep their values. Deactivating a user ends all sessions of the user.
        A change that would leave no active administrator gets a 409 `last-admin`.
        """
        return users.administer(self.session, self.principal, user_id, changes, self.if_match)

    @blp.response(204)
    @blp.raises(LastAdmin, OpenOrders)
    @requires(Scope.USERS_MANAGE)
    @recent_sign_in
    @blp.doc(operationId="eraseUser")
    def delete(self, user_id: str) -> None:
        """Erase a user and the personal data of the user.

        Has the same effects as `DELETE /api/users/me`. If the first attempt succeeded, a retry gets
        a 404.
        """
        erasure.erase(self.session, self.principal, user_id)
        self.after_commit(lambda: erasure.log(user_id))
