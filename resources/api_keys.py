"""API keys: /api/api-keys."""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row

from app.auth import limits
from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from models.users import Scope
from schemas.api_keys import API_KEY_ID, APIKeySchema, CreatedAPIKeySchema, NewAPIKeySchema
from schemas.ids import path_parameter
from schemas.pages import PageQuerySchema
from services import api_keys
from services.errors import EmailTaken
from services.pages import Page, PageRequest

DESCRIPTION = """\
API keys for programs, sent as `Authorization: Bearer fak_…`. A key has fixed scopes and never more
than its owner. Users create keys for themselves, administrators also for service accounts, which
cannot sign in. An API key cannot manage sessions, passwords or API keys.
"""

blp = Blueprint("api-keys", __name__, url_prefix="/api/api-keys", description=DESCRIPTION)


@blp.route("")
class APIKeys(Resource):
    @blp.paginated(PageQuerySchema, APIKeySchema)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="listApiKeys")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List your API keys, newest first.

        An administrator gets the keys of all users and service accounts. Keys that have expired or
        were revoked are not listed.
        """
        return api_keys.list_visible(self.session, self.principal, page)

    @limits.new_api_key
    @blp.arguments(NewAPIKeySchema)
    @blp.created(CreatedAPIKeySchema, "/api/api-keys/{id}")
    @blp.links(getApiKey="api_key_id", revokeApiKey="api_key_id")
    @blp.raises(api_keys.TooManyAPIKeys, EmailTaken)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="createApiKey")
    def post(self, values: dict[str, Any]) -> SimpleNamespace:
        """Create an API key.

        Only this response contains the key. There is no `Idempotency-Key`, because the stored
        response would contain the key too. If the response is lost, list your keys, revoke the
        new one and create another one.

        `service_account` needs the scope `users:manage` and creates the account if it does not
        exist. An account has at most two keys that are not expired or revoked.
        """
        return api_keys.create(self.session, self.principal, **values)


@blp.route("/<api_key_id>", parameters=[path_parameter("api_key_id", API_KEY_ID)])
class APIKeyDetail(Resource):
    @blp.response(200, APIKeySchema)
    @blp.links(revokeApiKey="api_key_id")
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="getApiKey")
    def get(self, api_key_id: str) -> Row[Any]:
        """Get an API key.

        A key that has expired or was revoked is a 404, the same as the key of another user.
        """
        return api_keys.get(self.session, self.principal, api_key_id)

    @blp.response(204)
    @requires(Scope.CREDENTIALS)
    @blp.doc(operationId="revokeApiKey")
    def delete(self, api_key_id: str) -> None:
        """Revoke an API key.

        The next request with the key gets a 401. If the first attempt succeeded, a retry gets a
        404.
        """
        api_keys.revoke(self.session, self.principal, api_key_id)
