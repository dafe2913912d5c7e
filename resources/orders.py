"""Orders: /api/orders. A user places, reads and cancels them; an administrator moves them on."""

from typing import Any

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.orders import OrderStatus
from models.users import Scope
from schemas.ids import path_parameter
from schemas.order_examples import NEW_ORDER_EXAMPLE, changed_order_example
from schemas.orders import (
    ORDER_ID,
    NewOrderSchema,
    NextStatusSchema,
    OrderQuerySchema,
    OrderSchema,
)
from services import orders
from services.order_statements import OrderRow
from services.pages import Page, PageRequest

DESCRIPTION = """\
What was bought. An order takes its stock when it is placed, all of it or nothing, and gives it
back when it is cancelled. It goes from `pending` to `paid`, `shipped` and `delivered`; until it
is shipped it can be cancelled. Send an `Idempotency-Key` when you place one: then a retry never
orders twice.
"""

blp = Blueprint("orders", __name__, url_prefix="/api/orders", description=DESCRIPTION)


@blp.route("")
class Orders(Resource):
    @blp.paginated(OrderQuerySchema, OrderSchema)
    @may_lag
    @requires(Scope.ORDERS_READ)
    @blp.doc(operationId="listOrders")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List your orders, newest first; an administrator sees everybody's.

        The list can be filtered by status and by time. Each order comes with its whole history.
        """
        return orders.list_visible(self.session, self.principal, page, filters)

    @blp.idempotent
    @blp.arguments(NewOrderSchema, example=NEW_ORDER_EXAMPLE)
    @blp.created(OrderSchema, "/api/orders/{id}")
    @blp.etag
    @blp.links(getOrder="order_id", updateOrder="order_id", cancelOrder="order_id")
    @blp.raises(orders.OutOfStock)
    @requires(Scope.ORDERS_WRITE)
    @blp.doc(operationId="createOrder")
    def post(self, order: dict[str, Any]) -> OrderRow:
        """Place an order: all of it or nothing, at the prices of this moment.

        Make an `Idempotency-Key` (a UUID) before the first try, and keep it for all tries: when the
        connection drops, or a 503 comes, send the same body with the same key again. If the order
        was placed already, you get its first answer, with `Idempotency-Replayed: true`.
        """
        return orders.place(self.session, self.principal, **order)


@blp.route("/<order_id>", parameters=[path_parameter("order_id", ORDER_ID)])
class OrderDetail(Resource):
    @blp.response(200, OrderSchema)
    @blp.etag
    @may_lag
    @blp.links(updateOrder="order_id", cancelOrder="order_id")
    @requires(Scope.ORDERS_READ)
    @blp.doc(operationId="getOrder")
    def get(self, order_id: str) -> OrderRow:
        """Get an order.

        Somebody else's order is a 404, as one that does not exist.
        """
        return orders.get(self.session, self.principal, order_id)

    @blp.arguments(NextStatusSchema)
    @blp.response(200, OrderSchema, example=changed_order_example("paid"))
    @blp.etag
    @blp.raises(orders.TransitionNotAllowed)
    @requires(Scope.ORDERS_MANAGE)
    @blp.doc(operationId="updateOrder")
    def patch(self, change: dict[str, str], order_id: str) -> OrderRow:
        """Move an order on to its next status.

        From pending to paid, shipped and delivered; to cancelled until it is shipped.
        """
        status = OrderStatus(change["status"])
        return orders.advance(self.session, self.principal, order_id, status, self.if_match)


@blp.route("/<order_id>/cancel", parameters=[path_parameter("order_id", ORDER_ID)])
class OrderCancellation(Resource):
    @blp.response(200, OrderSchema, example=changed_order_example("cancelled"))
    @blp.etag
    @blp.raises(orders.TransitionNotAllowed)
    @requires(Scope.ORDERS_WRITE)
    @blp.doc(operationId="cancelOrder")
    def post(self, order_id: str) -> OrderRow:
        """Cancel an order and return its stock.

        It can be cancelled until it is shipped. The stock goes back once: of an order that is
        cancelled already you get a 409.
        """
        return orders.cancel(self.session, self.principal, order_id, self.if_match)
