"""Demo products: realistic names, prices and stock; every run generates the same ones."""

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

SEED = 1
# The products of the documented examples.
NAMED = (
    {
        "id": "abc",
        "name": "Coffee mug",
        "description": "Stoneware, 350 ml.",
        "price": 1250,
        "currency": "USD",
        "stock": 480,
    },
    {
        "id": "def",
        "name": "Tea pot",
        "description": "Cast iron, one litre.",
        "price": 4900,
        "currency": "USD",
        "stock": 160,
    },
)
STYLES = (
    "Classic",
    "Coastal",
    "Everyday",
    "Heritage",
    "Modern",
    "Nordic",
    "Rustic",
    "Studio",
    "Vintage",
)
COLOURS = ("black", "cream", "forest green", "grey", "mustard", "navy", "rose", "sand", "white")
# Name, description, lowest and highest price in cents.
KINDS = (
    ("apron", "Washed cotton with two pockets.", 1900, 4500),
    ("backpack", "Recycled nylon, 22 litres, with a padded laptop sleeve.", 5900, 14900),
    ("bookend", "Powder-coated steel, sold as a pair.", 1500, 3900),
    ("bread bin", "Sheet steel with a bamboo lid.", 2900, 6900),
    ("candle holder", "Cast brass, for tapered candles.", 1200, 3900),
    ("cereal bowl", "Glazed stoneware, dishwasher safe.", 900, 2400),
    ("cushion cover", "Linen with a hidden zip, 50 by 50 cm.", 1500, 4500),
    ("desk lamp", "Dimmable LED with an adjustable arm.", 3900, 12900),
    ("dinner plate", "Glazed stoneware, 27 cm.", 1100, 2900),
    ("doormat", "Coconut fibre on natural rubber.", 1900, 4900),
    ("fruit bowl", "Turned beech, oiled by hand.", 2500, 7900),
    ("laundry basket", "Woven seagrass with cotton lining.", 3500, 8900),
    ("notebook", "Ruled paper, thread-bound, 192 pages.", 700, 1900),
    ("plant pot", "Terracotta with a saucer, 18 cm.", 900, 3500),
    ("salt cellar", "Porcelain with an acacia lid.", 1200, 2900),
    ("shopping bag", "Heavy organic cotton with long handles.", 900, 2500),
    ("table runner", "Stonewashed linen, 40 by 150 cm.", 1900, 4900),
    ("tea towel", "Linen and cotton, sold as a set of two.", 900, 2400),
    ("wall clock", "Silent quartz movement, 30 cm.", 2900, 8900),
    ("wool blanket", "Lambswool, 130 by 180 cm.", 6900, 18900),
)


def generated(count: int) -> Iterator[dict[str, Any]]:
    """Yield product rows; a larger `count` only appends rows."""
    random = Random(SEED)  # noqa: S311 (nothing secret)
    variants = list(product(STYLES, KINDS, COLOURS))
    random.shuffle(variants)
    for n in range(count):
        series, index = divmod(n, len(variants))
        style, (kind, description, lowest, highest), colour = variants[index]
        yield {
            "id": f"demo-{n + 1}",
            "name": f"{style} {kind}, {colour}" + (f", series {series + 1}" if series else ""),
            "description": description,
            "price": random.randrange(lowest, highest + 1, 50),
            "currency": "USD",
            "stock": random.randint(5, 400),
        }
