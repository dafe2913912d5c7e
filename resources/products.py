"""The catalogue: /api/products."""

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
from services import products
from services.errors import PreconditionRequired
from services.pages import Page, PageRequest

DESCRIPTION = """\
What is for sale, for anyone to read. Prices are integers of minor units: 1999 is 19.99 USD.
Administrators put products on sale, change prices and stock, and take products off sale. An order
keeps the name and the price that the product had at the time of ordering.
"""

blp = Blueprint("products", __name__, url_prefix="/api/products", description=DESCRIPTION)


@blp.route("")
class Products(Resource):
    @blp.paginated(ProductQuerySchema, ProductSchema)
    @may_lag
    @public
    @blp.doc(operationId="listProducts")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List what is for sale, newest first.

        Products that were taken off sale are not listed.
        """
        return products.list_all(self.session, page)

    @blp.arguments(NewProductSchema)
    @blp.created(ProductSchema, "/api/products/{id}")
    @blp.etag
    @blp.links(getProduct="product_id", updateProduct="product_id", deleteProduct="product_id")
    @blp.raises(products.ProductExists)
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="createProduct")
    def post(self, product: dict[str, Any]) -> Product:
        """Put a product on sale.

        The id is the merchant's own, or one is made. It can't be used twice, not even after the
        product was taken off sale.
        """
        return products.create(self.session, product)


@blp.route("/<product_id>", parameters=[path_parameter("product_id", PRODUCT_ID)])
class ProductDetail(Resource):
    @blp.response(200, ProductSchema)
    @blp.etag
    @may_lag
    @public
    @blp.doc(operationId="getProduct")
    def get(self, product_id: str) -> Row[Any]:
        """Get a product.

        Its price and stock are those of this moment.
        """
        return products.get(self.session, product_id)

    @blp.arguments(ProductChangeSchema)
    @blp.response(200, ProductSchema)
    @blp.etag
    @blp.raises(PreconditionRequired)
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="updateProduct")
    def patch(self, changes: dict[str, Any], product_id: str) -> Product:
        """Change a product's name, price, stock or description.

        Existing orders keep their names and prices. A new `stock` needs `If-Match`, because orders
        change the stock too: without it, you get a 428. `If-Match: *` overwrites any version.
        """
        return products.update(self.session, product_id, changes, self.if_match)

    @blp.response(204)
    @blp.etag
    @requires(Scope.PRODUCTS_WRITE)
    @blp.doc(operationId="deleteProduct")
    def delete(self, product_id: str) -> None:
        """Take a product off sale.

        It is erased if it was never ordered, else retired; either way its URL answers 404.
        """
        products.delete(self.session, product_id, self.if_match)
