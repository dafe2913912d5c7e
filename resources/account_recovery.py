"""Verification and change of the email address, and password reset, by links in mails."""

from flask import Response, g

from app.auth import limits
from app.http.access import public, recent_sign_in, requires
from app.http.blueprint import Blueprint
from app.http.mail import MailDisabled, require_mail
from app.http.resource import Resource
from app.http.responses import accepted
from models.users import Scope
from schemas.account_recovery import (
    AccountTokenSchema,
    EmailChangeSchema,
    ForgottenPasswordSchema,
    PasswordResetSchema,
)
from services import account_recovery, mails, users
from services.errors import EmailTaken

DESCRIPTION = """\
Verification and change of the email address, and password reset. The service sends a mail with a
link. The linked page sends the token of the link to one of these operations. A token works once,
and becomes invalid when the password changes.
"""

blp = Blueprint("account-recovery", __name__, url_prefix="/api", description=DESCRIPTION)


@blp.route("/auth/verify-email")
class EmailVerification(Resource):
    @blp.arguments(AccountTokenSchema)
    @blp.response(204)
    @public
    @blp.doc(operationId="verifyEmail")
    def post(self, body: dict[str, str]) -> None:
        """Verify your email address.

        The token of the mail works for 24 hours. If the first attempt succeeded, a retry gets a
        422.
        """
        account_recovery.verify_email(self.session, body["token"], g.request_id)


@blp.route("/auth/verify-email/resend")
class VerificationMail(Resource):
    @limits.mail
    @blp.response(202)
    @blp.raises(MailDisabled)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="resendVerification")
    def post(self) -> Response:
        """Request another mail to verify your email address.

        Only the token of the latest mail works.
        """
        require_mail()
        account_recovery.resend_verification(self.session, self.user.id, self.user.email)
        return accepted()


@blp.route("/auth/forgot-password")
class ForgottenPassword(Resource):
    # An IP address that is over its own limit does not use up the limit of the account.
    @limits.forgot_password_account
    @limits.forgot_password
    @limits.forgot_password_address
    @blp.arguments(ForgottenPasswordSchema)
    @blp.response(202)
    @blp.raises(MailDisabled)
    @public
    @blp.doc(operationId="forgotPassword")
    def post(self, body: dict[str, str]) -> Response:
        """Request a mail to reset a password.

        The response is the same, after the same time, whether or not an account has this address.
        """
        require_mail()
        mails.queue_reset(self.session, body["email"])
        return accepted()


@blp.route("/auth/reset-password")
class PasswordReset(Resource):
    @limits.password
    @blp.arguments(PasswordResetSchema)
    @blp.response(204)
    @public
    @blp.doc(operationId="resetPassword")
    def post(self, body: dict[str, str]) -> None:
        """Set a new password with a token from a mail.

        The token works for 30 minutes. Ends all sessions of the account, verifies its address and
        sends a notification. If the first attempt succeeded, a retry gets a 422.
        """
        account_recovery.check_reset(self.session, body["token"])
        self.session.rollback()  # argon2 must not hold a database connection
        new_hash = users.hash_password(body["password"], self.password_rules)
        account_recovery.reset_password(self.session, body["token"], new_hash, g.request_id)


@blp.route("/users/me/email")
class MyEmail(Resource):
    @limits.password
    @limits.mail
    @blp.arguments(EmailChangeSchema)
    @blp.response(202)
    @blp.raises(MailDisabled)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="changeEmail")
    def post(self, body: dict[str, str]) -> Response:
        """Request a change of your email address.

        Sends a link to the new address, and a notice to the current one. The address changes when
        you open the link. Only the token of the latest request works.
        """
        require_mail()
        self.session.rollback()  # argon2 must not hold a database connection
        known_hash = self.user.password_hash
        users.confirm_password(known_hash, body["password"], "/password")
        account_recovery.request_email_change(
            self.session, self.principal, known_hash, body["email"]
        )
        return accepted()


@blp.route("/auth/confirm-email")
class EmailConfirmation(Resource):
    @blp.arguments(AccountTokenSchema)
    @blp.response(204)
    @blp.raises(EmailTaken)
    @public
    @blp.doc(operationId="confirmEmail")
    def post(self, body: dict[str, str]) -> None:
        """Confirm your new email address.

        The token works for 24 hours. Your sessions continue. If the first attempt succeeded, a
        retry gets a 422.
        """
        account_recovery.confirm_email(self.session, body["token"], g.request_id)
