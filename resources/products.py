"""Product catalogue: /api/products."""

from typing import Any

from sqlalchemy import Row

from app.http.access import public, requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.products import Product
from models.users import Scope
from schemas.ids import path_parameter
from schemas.products import (
    PRODUCT_ID,
    NewProductSchema,
    ProductChangeSchema,
    ProductQuerySchema,
    ProductSchema,
)
from services import product_search, products
from services.pages import Page, PageRequest

DESCRIPTION = """\
The product catalogue. Anyone can read it. A price is an integer in minor units of its currency:
1999 is 19.99 USD. Administrators create products, change prices and stock, and take products off
sale. An order keeps the name and the price that a product had at the time of the order.
"""

blp = Blueprint("products", __name__, url_prefix="/api/products", description=DESCRIPTION)


@blp.route("")
class Products(Resource):
    @blp.paginated(ProductQuerySchema, ProductSchema)
    @may_lag
    @public
    @blp.doc(operationId="listProducts")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List the products on sale, or search them.

        You can combine all filters. A search ignores case, but not accents. It does not know word
        forms: `mugs` does not find `mug`. The database's collation defines the order of names.
        """
        return product_search.list_all(self.session, page, **filters)

    @blp.arguments(NewProductSchema)
    @blp.created(ProductSchema, "/api/products/{id}")
    @blp.etag
    @blp.links(getProduct="product_id", updateProduct="product_id", deleteProduct="product_id")
    @blp.raises(products.ProductExists)
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="createProduct")
    def post(self, product: dict[str, Any]) -> Product:
        """Create a product.

        Send your own `id`, or omit it to get a generated one. The id of a product with orders stays
        in use after you take the product off sale. With your own `id`, a retry gets a 409 if the
        first attempt succeeded. Without it, a retry creates another product.
        """
        return products.create(self.session, self.principal, product)


@blp.route("/<product_id>", parameters=[path_parameter("product_id", PRODUCT_ID)])
class ProductDetail(Resource):
    @blp.response(200, ProductSchema)
    @blp.etag
    @may_lag
    @public
    @blp.doc(operationId="getProduct")
    def get(self, product_id: str) -> Row[Any]:
        """Get a product.

        The response has the current price and stock. A product off sale is a 404.
        """
        return products.get(self.session, product_id)

    @blp.arguments(ProductChangeSchema)
    @blp.response(200, ProductSchema)
    @blp.etag
    @blp.raises(products.PreconditionRequired)
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="updateProduct")
    def patch(self, changes: dict[str, Any], product_id: str) -> Product:
        """Change a product.

        Fields that you omit keep their values. Existing orders keep the name and the price that the
        product had.

        Set `stock` after you counted the units in the warehouse. The stock change has the reason
        `count`. `stock` requires `If-Match`, because orders change the stock too; without
        `If-Match`, you get a 428. To add or remove units, use `POST /api/products/{id}/stock`
        instead.

        `If-Match: *` overwrites any version. With an `ETag`, a retry gets a 412 if the first
        attempt succeeded.
        """
        return products.update(self.session, self.principal, product_id, changes, self.if_match)

    @blp.response(204)
    @blp.etag
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="deleteProduct")
    def delete(self, product_id: str) -> None:
        """Take a product off sale.

        A product without orders is deleted. A product with orders is hidden, because its orders
        refer to it. In both cases, its URL and a retry return a 404.
        """
        products.delete(self.session, self.principal, product_id, self.if_match)
