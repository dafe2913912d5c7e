"""The catalogue."""

from marshmallow import validate
from marshmallow_sqlalchemy import auto_field

from models.products import MAX_PRICE, MAX_STOCK, Product
from schemas.base import MAX_EXACT, RequestSchema, RowSchema, Text, Timestamp, Whole, text
from schemas.pages import PageQuerySchema

PRICE = "Minor units of the currency: 1999 is 19.99 USD, and ¥1,999."
CURRENCY = validate.Regexp(r"^[A-Z]{3}\Z", error="Must be an ISO 4217 code, such as USD.")
PRODUCT_ID = validate.Regexp(
    r"^[A-Za-z0-9_-]{1,64}\Z", error="Must be 1 to 64 of A-Z, a-z, 0-9, _ and -."
)


class ProductSchema(RowSchema):
    """A product."""

    class Meta(RowSchema.Meta):
        model = Product

    id = auto_field(required=True, metadata={"example": "abc"})
    name = auto_field(metadata={"example": "Coffee mug"})
    description = auto_field(required=True, metadata={"example": "Stoneware, 350 ml."})
    price = Whole(0, MAX_PRICE, required=True, metadata={"description": PRICE, "example": 1250})
    currency = auto_field(metadata={"description": "ISO 4217.", "example": "USD"})
    stock = Whole(
        0,
        MAX_EXACT,
        required=True,
        metadata={"description": "Pieces that can be ordered.", "example": 100},
    )
    created_at = Timestamp(required=True, metadata={"example": "2026-01-15T10:30:00Z"})
    updated_at = Timestamp(required=True, metadata={"example": "2026-01-15T10:30:00Z"})


class ProductChangeSchema(RequestSchema):
    """What changes of a product; what is left out stays."""

    name = text(200, metadata={"example": "Coffee mug"})
    description = text(2000, shortest=0, metadata={"example": "Stoneware, 350 ml."})
    price = Whole(0, MAX_PRICE, metadata={"description": PRICE, "example": 1250})
    currency = Text(validate=CURRENCY, metadata={"description": "ISO 4217.", "example": "USD"})
    stock = Whole(0, MAX_STOCK, metadata={"example": 100})


class NewProductSchema(RequestSchema):
    """A new product."""

    id = Text(
        validate=PRODUCT_ID,
        metadata={"description": "The merchant's own id; made if left out.", "example": "mug-350"},
    )
    name = text(200, required=True, metadata={"example": "Coffee mug"})
    description = text(
        2000, shortest=0, load_default="", metadata={"example": "Stoneware, 350 ml."}
    )
    price = Whole(0, MAX_PRICE, required=True, metadata={"description": PRICE, "example": 1250})
    currency = Text(
        required=True, validate=CURRENCY, metadata={"description": "ISO 4217.", "example": "USD"}
    )
    stock = Whole(0, MAX_STOCK, required=True, metadata={"example": 100})


class ProductQuerySchema(PageQuerySchema):
    """Which products: those for sale, newest first."""
