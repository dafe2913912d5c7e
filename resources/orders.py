"""Orders: /api/orders. Users place, read and cancel them; administrators change their status."""

from typing import Any

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.mail import check_verified
from app.http.operation import may_lag
from app.http.resource import Resource
from models.users import Scope
from schemas.ids import path_parameter
from schemas.order_examples import NEW_ORDER_EXAMPLE, changed_order_example
from schemas.orders import (
    ORDER_ID,
    NewOrderSchema,
    OrderQuerySchema,
    OrderSchema,
    OrderUpdateSchema,
)
from services import orders
from services.errors import EmailNotVerified
from services.order_statements import OrderRow
from services.pages import Page, PageRequest

DESCRIPTION = """\
Orders of products. A new order takes the stock of all its items, or fails and takes none. Its
status changes from `pending` to `paid`, `shipped` and `delivered`. Until an order is shipped, it
can be cancelled, which puts its units back into stock. Send an `Idempotency-Key` when you place an
order, so that a retry does not create a second one.
"""

blp = Blueprint("orders", __name__, url_prefix="/api/orders", description=DESCRIPTION)


@blp.route("")
class Orders(Resource):
    @blp.paginated(OrderQuerySchema, OrderSchema)
    @may_lag
    @requires(Scope.ORDERS_READ)
    @blp.doc(operationId="listOrders")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List your orders, newest first.

        An administrator gets the orders of all users. Filter the list by status, product and time
        of creation. For administrators, a list with `product_id` is sorted by `id`, so orders of
        nearly the same time can be swapped. Each order includes all changes of its status.
        """
        return orders.list_visible(self.session, self.principal, page, filters)

    @blp.idempotent
    @blp.arguments(NewOrderSchema, example=NEW_ORDER_EXAMPLE)
    @blp.created(OrderSchema, "/api/orders/{id}")
    @blp.etag
    @blp.links(getOrder="order_id", updateOrder="order_id", cancelOrder="order_id")
    @blp.raises(orders.OutOfStock, EmailNotVerified)
    @requires(Scope.ORDERS_WRITE)
    @blp.doc(operationId="createOrder")
    def post(self, order: dict[str, Any]) -> OrderRow:
        """Place an order.

        The order takes the stock of all its items at the current prices, or fails and changes
        nothing.

        Generate an `Idempotency-Key` (a UUID) before the first attempt and reuse it for every
        retry. If the connection drops, or you get a 503, send the same body with the same key
        again. If the order was already placed, you get the first response again, with
        `Idempotency-Replayed: true`.
        """
        check_verified(self.user, "orders")
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

        The order of another user is a 404, the same as an order that does not exist.
        """
        return orders.get(self.session, self.principal, order_id)

    @blp.arguments(OrderUpdateSchema, example={"status": "paid"})
    @blp.response(200, OrderSchema, example=changed_order_example("paid"))
    @blp.etag
    @blp.raises(orders.TransitionNotAllowed)
    @requires(Scope.ORDERS_WRITE)
    @blp.doc(operationId="updateOrder")
    def patch(self, changes: dict[str, Any], order_id: str) -> OrderRow:
        """Change the metadata or the status of an order.

        `metadata` changes the keys that you send, and keeps the others. A null or empty value
        deletes its key.

        `status` requires the scope `orders:manage` (role `admin`). The status changes from
        `pending` to `paid`, `shipped` and `delivered`, or to `cancelled` until the order is
        shipped. `cancelled` puts the units back into stock. If the first attempt succeeded, a retry
        gets a 409, or a 412 with `If-Match`: read the order to see its status.
        """
        return orders.update(self.session, self.principal, order_id, changes, self.if_match)


@blp.route("/<order_id>/cancel", parameters=[path_parameter("order_id", ORDER_ID)])
class OrderCancellation(Resource):
    @blp.response(200, OrderSchema, example=changed_order_example("cancelled"))
    @blp.etag
    @blp.raises(orders.TransitionNotAllowed)
    @requires(Scope.ORDERS_WRITE)
    @blp.doc(operationId="cancelOrder")
    def post(self, order_id: str) -> OrderRow:
        """Cancel an order.

        An order can be cancelled until it is shipped. Its units go back into stock only once. If
        the first attempt succeeded, a retry gets a 409, or a 412 with `If-Match`: read the order to
        see its status.
        """
        return orders.cancel(self.session, self.principal, order_id, self.if_match)
