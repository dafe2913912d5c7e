"""Stock of products: /api/products/{id}/stock and /api/products/{id}/stock-changes."""

from typing import Any

from sqlalchemy import Row

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.users import Scope
from schemas.ids import path_parameter
from schemas.products import PRODUCT_ID
from schemas.stock import NewStockChangeSchema, StockChangeQuerySchema, StockChangeSchema
from services import stock
from services.pages import Page, PageRequest

DESCRIPTION = """\
The stock of products, and all its changes: by orders, cancellations, imports, deliveries and
others. The sum of the changes of a product is its stock.
"""

blp = Blueprint("stock", __name__, url_prefix="/api/products", description=DESCRIPTION)


@blp.route("/<product_id>/stock", parameters=[path_parameter("product_id", PRODUCT_ID)])
class Stock(Resource):
    @blp.idempotent
    @blp.arguments(NewStockChangeSchema)
    @blp.response(200, StockChangeSchema)
    @blp.raises(stock.InsufficientStock)
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="changeStock")
    def post(self, change: dict[str, Any], product_id: str) -> Row[Any]:
        """Add units to the stock of a product, or remove units.

        The service adds the change to the current stock, so the request needs no `If-Match`. If the
        stock would fall below zero, you get a 409 with the number of units `available`.

        Generate an `Idempotency-Key` (a UUID) before the first attempt and reuse it for every
        retry. Without it, a retry changes the stock again.
        """
        return stock.change(self.session, self.principal, product_id, **change)


@blp.route("/<product_id>/stock-changes", parameters=[path_parameter("product_id", PRODUCT_ID)])
class StockChanges(Resource):
    @blp.paginated(StockChangeQuerySchema, StockChangeSchema)
    @may_lag
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="listStockChanges")
    def get(self, page: PageRequest, filters: dict[str, Any], product_id: str) -> Page:
        """List the changes of the stock of a product, newest first.

        Each change has its reason, its order and its caller. A product with orders keeps its
        changes when it is taken off sale.
        """
        return stock.list_changes(self.session, product_id, page)
