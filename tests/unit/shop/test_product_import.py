"""Import of products from CSV: accepted files, written rows and bounded memory."""

import io
import tracemalloc
from itertools import cycle, islice

import pytest

from models.products import Product
from services.product_csv import Reader
from tests.support.product_files import HEADER, error_text, run
from tests.support.shop import OrderFactory, ProductFactory


class TestImported:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_line_ends_and_byte_order_mark_do_not_matter(self, session, end, mark):
        content = f"{mark}{HEADER}a,Mug,1250,USD,7,Blue\nb,Pot,4900,EUR,0,\n"

        assert run(session, content.replace("\n", end)) == 2
        product = session.get(Product, "a")
        assert (product.name, product.price, product.currency) == ("Mug", 1250, "USD")
        assert (product.stock, product.description, product.version) == (7, "Blue", 2)
        assert session.get(Product, "b").description == ""

    def test_no_line_end_at_the_end_of_the_file(self, session):
        assert run(session, f"{HEADER}a,Mug,1,USD,1,") == 1

    @pytest.mark.parametrize("empty", [",,,,,", ",", ",,,,,,,,,,", " , ,,,,", "   ", '"",,,,,'])
    def test_rows_of_separators_alone_are_skipped(self, session, empty):
        content = f"{empty}\n{HEADER}{empty}\na,Mug,1,USD,1,\n{empty}\nb,Pot,1,USD,1,\n{empty}"

        assert run(session, content) == 2
        assert error_text(session, f"{content}\nbad,,1,USD,1,").startswith("line 8: name")

    def test_file_with_only_a_header_has_no_products(self, session):
        assert run(session, HEADER) == 0

    def test_columns_come_in_any_order(self, session):
        run(session, "stock,currency,name,id,price\n3,USD,Mug,a,1\n")

        assert session.get(Product, "a").stock == 3

    def test_quoted_field_keeps_lines_commas_tabs_quotes_and_backslashes(self, session):
        run(session, HEADER + 'a,Mug,1,USD,1,"one, ""two""\nthree\t\\N \\. four\r\nfive"\n')

        description = session.get(Product, "a").description
        assert description == 'one, "two"\nthree\t\\N \\. four\r\nfive'

    def test_existing_product_gets_the_values_and_a_new_version(self, session):
        ProductFactory(id="a", name="Old", price=1, stock=1, description="Old")

        run(session, f"{HEADER}a,New,2,EUR,5,\n")

        product = session.get(Product, "a")
        assert (product.name, product.price, product.currency) == ("New", 2, "EUR")
        assert (product.stock, product.description, product.version) == (5, "", 3)

    def test_without_the_column_a_product_keeps_its_description(self, session):
        ProductFactory(id="a", description="Stoneware")

        run(session, "id,name,price,currency,stock\na,Mug,1,USD,1\nb,Pot,1,USD,1\n")

        assert session.get(Product, "a").description == "Stoneware"
        assert session.get(Product, "b").description == ""

    def test_retired_product_is_on_sale_again(self, session, as_admin, client, user):
        product = ProductFactory(id="a")
        OrderFactory(user_id=user.id).items[0].product_id = product.id
        session.commit()
        assert as_admin.delete("/api/products/a").status_code == 204
        assert client.get("/api/products/a").status_code == 404

        run(session, f"{HEADER}a,Mug,1,USD,1,\n")
        session.commit()

        assert client.get("/api/products/a").status_code == 200

    def test_second_import_in_one_session_works(self, session):
        run(session, f"{HEADER}a,Mug,1,USD,1,\n")
        run(session, f"{HEADER}a,Mug,1,USD,1,\n")

        assert session.get(Product, "a").version == 3

    def test_progress_adds_up_to_the_size_of_the_file(self, session):
        content, seen = f"{HEADER}a,Tasse ä,1,USD,1,\n", []

        run(session, content, seen.append)

        assert sum(seen) == len(content.encode())


class EndlessFile(io.RawIOBase):
    """A large file that is nowhere: lines are made when they are read."""

    def __init__(self, count):
        lines = cycle([b"a,Mug,1250,USD,7," + b"d" * 1000 + b"\n"])
        self.lines = islice(lines, count)
        self.header = HEADER.encode()

    def readline(self, size=-1):
        header, self.header = self.header, b""
        return header or next(self.lines, b"")


class TestMemory:
    def test_memory_does_not_grow_with_the_file(self):
        reader = Reader(EndlessFile(count=10_000), lambda size: None)
        tracemalloc.start()
        try:
            total = sum(map(len, iter(lambda: reader.read(8192), "")))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert total > 10_000_000
        assert peak < 1_000_000
