"""Second factor of the current user: /api/users/me/second-factor."""

from typing import Any

import pyotp
from flask import current_app

from app.auth import limits
from app.http.access import recent_sign_in, requires
from app.http.blueprint import Blueprint
from app.http.mail import check_mailbox
from app.http.resource import Resource
from models.users import Scope
from schemas.second_factors import (
    ConfirmationSchema,
    EnrolmentSchema,
    NewRecoveryCodesSchema,
    NewSecondFactorSchema,
    SecondFactorCodeSchema,
    SecondFactorSchema,
)
from services import second_factors, users
from services.errors import EmailNotVerified, NotFound
from services.second_factors import SecondFactorEnabled, State

DESCRIPTION = """\
A second factor: an authenticator app that shows a new code every 30 seconds (TOTP, RFC 6238). With
it, a sign-in needs a code after the password. Ten recovery codes replace a lost device.
"""

blp = Blueprint(
    "second-factor",
    __name__,
    url_prefix="/api/users/me/second-factor",
    description=DESCRIPTION,
)


@blp.route("")
class SecondFactor(Resource):
    @blp.response(200, SecondFactorSchema)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="getSecondFactor")
    def get(self) -> State:
        """Get the state of your second factor.

        The response contains no secrets.
        """
        return second_factors.state(self.session, self.principal)

    @limits.password
    @blp.arguments(NewSecondFactorSchema)
    @blp.response(201, EnrolmentSchema)
    @blp.raises(SecondFactorEnabled, EmailNotVerified)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="enrolSecondFactor")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Start to set up a second factor.

        Needs the password, and a verified email address if the service sends mails. Show `uri` as
        a QR code, and confirm with a code of the app. Until then, nothing changes. A retry returns
        a new secret, and the old one stops working.
        """
        check_mailbox(self.user)
        self.session.rollback()  # argon2 must not hold a database connection
        known_hash = self.user.password_hash
        users.confirm_password(known_hash, body["password"], "/password")
        secret = second_factors.enrol(self.session, self.principal, known_hash)
        issuer = current_app.config["API_TITLE"]
        uri = pyotp.TOTP(secret).provisioning_uri(name=self.user.email, issuer_name=issuer)
        return {"secret": secret, "uri": uri}


@blp.route("/confirm")
class Confirmation(Resource):
    @limits.second_factor
    @blp.arguments(ConfirmationSchema)
    @blp.response(200, NewRecoveryCodesSchema)
    @blp.raises(NotFound, SecondFactorEnabled)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="confirmSecondFactor")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Turn your second factor on with a code of the app.

        Returns the recovery codes, and ends all your other sessions. If the first attempt
        succeeded, a retry gets a 409: create new recovery codes.
        """
        codes = second_factors.confirm(self.session, self.principal, body["code"])
        return {"recovery_codes": codes}


@blp.route("/disable")
class Disabling(Resource):
    @limits.second_factor
    @blp.arguments(SecondFactorCodeSchema)
    @blp.response(204)
    @blp.raises(NotFound)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="disableSecondFactor")
    def post(self, body: dict[str, str]) -> None:
        """Turn your second factor off.

        Deletes the secret and the recovery codes. If the first attempt succeeded, a retry gets a
        404.
        """
        second_factors.disable(self.session, self.principal, body["code"])


@blp.route("/recovery-codes")
class RecoveryCodes(Resource):
    @limits.second_factor
    @blp.arguments(SecondFactorCodeSchema)
    @blp.response(200, NewRecoveryCodesSchema)
    @blp.raises(NotFound)
    @requires(Scope.CREDENTIALS)
    @recent_sign_in
    @blp.doc(operationId="replaceRecoveryCodes")
    def post(self, body: dict[str, str]) -> dict[str, Any]:
        """Create ten new recovery codes.

        Needs a code. The old recovery codes stop working.
        """
        codes = second_factors.replace_recovery_codes(self.session, self.principal, body["code"])
        return {"recovery_codes": codes}
