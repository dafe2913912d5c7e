"""Webhook deliveries: /api/webhook-endpoints/{id}/deliveries, and tests, redeliveries, replays."""

from typing import Any

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from models.users import Scope
from models.webhook_deliveries import WebhookDelivery
from schemas.ids import path_parameter
from schemas.webhook_deliveries import (
    DELIVERY_ID,
    NewReplaySchema,
    ReplaySchema,
    WebhookDeliveryQuerySchema,
    WebhookDeliverySchema,
)
from schemas.webhook_endpoints import ENDPOINT_ID
from services import webhook_deliveries
from services.pages import Page, PageRequest

DESCRIPTION = """\
Messages to a webhook endpoint, and their results. Send a test message, or send a delivery or all
events of a period again. The service sends a message only while the endpoint is enabled.
Finished deliveries are deleted after 30 days.
"""

blp = Blueprint(
    "webhook-deliveries", __name__, url_prefix="/api/webhook-endpoints", description=DESCRIPTION
)
ENDPOINT = path_parameter("endpoint_id", ENDPOINT_ID)
DELIVERY = path_parameter("delivery_id", DELIVERY_ID)


@blp.route("/<endpoint_id>/deliveries", parameters=[ENDPOINT])
class WebhookDeliveries(Resource):
    @blp.paginated(WebhookDeliveryQuerySchema, WebhookDeliverySchema)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="listWebhookDeliveries")
    def get(self, page: PageRequest, filters: dict[str, Any], endpoint_id: str) -> Page:
        """List the deliveries of a webhook endpoint, newest first.

        Filter the list by status.
        """
        return webhook_deliveries.list_of_endpoint(self.session, endpoint_id, page, filters)


@blp.route("/<endpoint_id>/deliveries/<delivery_id>/redeliver", parameters=[ENDPOINT, DELIVERY])
class WebhookRedelivery(Resource):
    @blp.response(202, WebhookDeliverySchema)
    @blp.raises(webhook_deliveries.EventDeleted)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="redeliverWebhook")
    def post(self, endpoint_id: str, delivery_id: str) -> WebhookDelivery:
        """Send a delivery again.

        The delivery becomes pending, with eight new attempts and the same `webhook-id`.
        """
        return webhook_deliveries.redeliver(self.session, endpoint_id, delivery_id)


@blp.route("/<endpoint_id>/test", parameters=[ENDPOINT])
class WebhookTest(Resource):
    @blp.response(202, WebhookDeliverySchema)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="testWebhookEndpoint")
    def post(self, endpoint_id: str) -> WebhookDelivery:
        """Send a test message to a webhook endpoint.

        The message has the type `webhook_endpoint.test`. The delivery shows the result.
        """
        return webhook_deliveries.send_test(self.session, endpoint_id)


@blp.route("/<endpoint_id>/replay", parameters=[ENDPOINT])
class WebhookReplay(Resource):
    @blp.arguments(NewReplaySchema)
    @blp.response(202, ReplaySchema)
    @requires(Scope.WEBHOOKS_MANAGE)
    @blp.doc(operationId="replayWebhookEvents")
    def post(self, period: dict[str, Any], endpoint_id: str) -> dict[str, int]:
        """Send the events of a period again.

        Sends only events of the endpoint's types, also from before the endpoint existed. A period
        with more than 10,000 of these events is a 422.
        """
        return {"deliveries": webhook_deliveries.replay(self.session, endpoint_id, **period)}
