"""Import of CSV files with products, in a session of the test."""

import io

import pytest

from services import product_import
from services.product_import import BadFileError

HEADER = "id,name,price,currency,stock,description\n"


def run(session, content, progress=lambda size: None):
    data = content if isinstance(content, bytes) else content.encode()
    staged = product_import.stage(session, io.BytesIO(data), progress)
    for batch in product_import.batches(session, staged):
        product_import.write(session, batch)
    session.expire_all()
    return staged.count


def error_text(session, content):
    with pytest.raises(BadFileError) as caught:
        run(session, content)
    return str(caught.value)
