"""Webhook endpoints: /api/webhook-endpoints."""

from typing import Any

from sqlalchemy import Row

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from app.http.webhooks import address_rules
from models.users import Scope
from models.webhook_endpoints import WebhookEndpoint
from schemas.ids import path_parameter
from schemas.pages import PageQuerySchema
from schemas.webhook_endpoints import (
    ENDPOINT_ID,
    NewWebhookEndpointSchema,
    WebhookEndpointChangeSchema,
    WebhookEndpointSchema,
    WebhookEndpointWithSecretSchema,
)
from services import webhook_endpoints
from services.pages import Page, PageRequest

DESCRIPTION = """\
URLs that receive events, signed as in Standard Webhooks 1.0. An event is sent at least once, and
each attempt has the same `webhook-id`. Any 2xx within 15 seconds is a success. There are up to
eight attempts in about 27 hours. A 410, or five days of failed attempts, disables the endpoint.
"""

blp = Blueprint(
    "webhook-endpoints", __name__, url_prefix="/api/webhook-endpoints", description=DESCRIPTION
)
ONE = [path_parameter("endpoint_id", ENDPOINT_ID)]


@blp.route("")
class WebhookEndpoints(Resource):
    @blp.paginated(PageQuerySchema, WebhookEndpointSchema)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="listWebhookEndpoints")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List the webhook endpoints, newest first.

        The list has no secrets.
        """
        return webhook_endpoints.list_all(self.session, page)

    @blp.arguments(NewWebhookEndpointSchema)
    @blp.created(WebhookEndpointWithSecretSchema, "/api/webhook-endpoints/{id}")
    @blp.etag
    @blp.links(
        getWebhookEndpoint="endpoint_id",
        updateWebhookEndpoint="endpoint_id",
        deleteWebhookEndpoint="endpoint_id",
        testWebhookEndpoint="endpoint_id",
    )
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="createWebhookEndpoint")
    def post(self, endpoint: dict[str, Any]) -> WebhookEndpoint:
        """Create a webhook endpoint.

        The endpoint receives new events; for earlier ones, use a replay. Only this response
        contains the secret. There is no `Idempotency-Key`, because the stored response would
        contain the secret too. If the response is lost, list the endpoints and rotate the secret.
        """
        rules = address_rules()
        return webhook_endpoints.create(self.session, self.principal, rules, endpoint)


@blp.route("/<endpoint_id>", parameters=ONE)
class WebhookEndpointDetail(Resource):
    @blp.response(200, WebhookEndpointSchema)
    @blp.etag
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="getWebhookEndpoint")
    def get(self, endpoint_id: str) -> Row[Any]:
        """Get a webhook endpoint.

        The response does not contain the secret.
        """
        return webhook_endpoints.get(self.session, endpoint_id)

    @blp.arguments(WebhookEndpointChangeSchema)
    @blp.response(200, WebhookEndpointSchema)
    @blp.etag
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="updateWebhookEndpoint")
    def patch(self, changes: dict[str, Any], endpoint_id: str) -> WebhookEndpoint:
        """Change a webhook endpoint.

        Fields that you omit keep their values. While the endpoint is disabled, its pending
        deliveries wait, and no deliveries are created for new events. After you enable it, use a
        replay for these events.
        """
        rules = address_rules()
        return webhook_endpoints.change(
            self.session, self.principal, rules, endpoint_id, changes, self.if_match
        )

    @blp.response(204)
    @blp.etag
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="deleteWebhookEndpoint")
    def delete(self, endpoint_id: str) -> None:
        """Delete a webhook endpoint with its deliveries.

        If the first attempt succeeded, a retry gets a 404.
        """
        webhook_endpoints.delete(self.session, self.principal, endpoint_id, self.if_match)


@blp.route("/<endpoint_id>/secret", parameters=ONE)
class WebhookSecret(Resource):
    @blp.response(200, WebhookEndpointWithSecretSchema)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="rotateWebhookSecret")
    def post(self, endpoint_id: str) -> WebhookEndpoint:
        """Rotate the secret of a webhook endpoint.

        Only this response contains the new secret. For 24 hours, each message has signatures of
        both secrets. If you rotate again in this time, the oldest of the three secrets stops
        working immediately.
        """
        return webhook_endpoints.rotate_secret(self.session, self.principal, endpoint_id)
