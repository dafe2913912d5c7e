"""The reader of CSV files: what it accepts, what it tells, and that it reads piecewise."""

import io
import tracemalloc
from itertools import cycle, islice

import pytest

from models.products import Product
from services import product_import
from services.product_csv import MAX_ERRORS, MAX_LINE, Reader
from services.product_import import BadFileError
from tests.support.shop import OrderFactory, ProductFactory

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


class TestRefused:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("a b,Mug,1,USD,1,", "id: "),
            (",Mug,1,USD,1,", "id: "),
            (f"{'a' * 65},Mug,1,USD,1,", "id: "),
            ("a,,1,USD,1,", "name: "),
            (f"a,{'n' * 201},1,USD,1,", "name: "),
            ("a,Mug,-1,USD,1,", "price: "),
            ("a,Mug,1.5,USD,1,", "price: "),
            ("a,Mug,1_0,USD,1,", "price: "),
            ("a,Mug,\u0661,USD,1,", "price: "),
            ("a,Mug,1000000001,USD,1,", "price: "),
            ("a,Mug,1,usd,1,", "currency: "),
            ("a,Mug,1,,1,", "currency: "),
            ("a,Mug,1,USD,,", "stock: "),
            ("a,Mug,1,USD,2000000001,", "stock: "),
            (f"a,Mug,1,USD,1,{'d' * 2001}", "description: "),
            ("a,M\0ug,1,USD,1,", "NUL"),
            ("a,Mug,1,USD,1,x\0", "NUL"),
            ("a,Mug,1,USD", "has 4 fields, the header has 6"),
            ("a,Mug,1,USD,1,,more", "has 7 fields, the header has 6"),
            ('a,"Mug"s,1,USD,1,', 'a quote (") inside a field; double it (""), and put the field'),
            ('a,"Mug,1,USD,1,', 'a quote (") that opens a field is not closed'),
            ("a,M\rug,1,USD,1,", "a carriage return (CR) that is not part of a line end"),
            ("a;Mug;1;USD;1;", "semicolons separate the columns; save the file with commas"),
            ('"a";"Mug";"1";"USD";"1";', "semicolons separate the columns; save the file"),
            ("a\tMug\t1\tUSD\t1\t", "tabs separate the columns; save the file with commas"),
            ("a,, ,USD,1,", "name: "),
        ],
    )
    def test_bad_line_is_told_by_its_number_and_reason(self, session, line, told):
        text = error_text(session, f"{HEADER}good,Mug,1,USD,1,\n{line}\n")

        assert text.startswith("line 3: ")
        assert told in text

    def test_bad_utf_8_is_told_by_its_line(self, session):
        assert error_text(session, HEADER.encode() + b"a,M\xffg,1,USD,1,\n") == (
            "line 2: not UTF-8; save the file as CSV in UTF-8"
        )

    def test_utf_16_is_told(self, session):
        assert "line 1: not UTF-8; save" in error_text(session, HEADER.encode("utf-16"))

    @pytest.mark.parametrize("count", [1, 50_000])
    @pytest.mark.parametrize("start", ["", "\ufeff", "\n"])
    def test_line_ends_of_cr_alone_are_told_in_a_line(self, session, start, count):
        content = HEADER + "a,Mug,1,USD,1,\n" * count

        text = error_text(session, start + content.replace("\n", "\r"))

        assert text.endswith(
            ": the lines end with carriage returns (CR) alone; save the file as CSV for Windows "
            "or Linux"
        )
        assert len(text.splitlines()) == 1

    def test_several_bad_lines_are_told_together(self, session):
        content = b"a b,M,1,USD,1,\n\xff,M,1,USD,1,\nc,M,1,USD,1,\nc,M,1,USD,1,\nd,M,x,USD,1,\n"

        told = error_text(session, HEADER.encode() + content).splitlines()
        assert [line.partition(":")[0] for line in told] == ["line 2", "line 3", "line 5", "line 6"]

    def test_at_most_twenty_are_told(self, session):
        told = error_text(session, HEADER + "bad,,,,,\n" * 500).splitlines()

        assert len(told) == MAX_ERRORS + 1
        assert "more" in told[-1]

    def test_line_of_a_record_over_many_lines_is_its_first(self, session):
        content = f'{HEADER}a,"M\nu\ng",1,USD,1,\n\nb,"M\nug",x,USD,1,\n'

        assert error_text(session, content).startswith("line 6: price")

    def test_product_that_is_there_twice_is_told_with_both_lines(self, session):
        content = f"{HEADER}a,Mug,1,USD,1,\nb,Mug,1,USD,1,\na,Mug,2,USD,1,\n"

        assert error_text(session, content) == "line 4: a is already in line 2"

    @pytest.mark.parametrize(
        ("header", "told"),
        [
            ("", "line 1: the file is empty"),
            ("\n\n", "line 1: the file is empty"),
            (",,,,\n,,,,\n", "line 1: the file is empty"),
            ("id,name,price\n", "line 1: no column currency, stock"),
            ("id;name;price;currency;stock\n", "line 1: semicolons separate the columns; save"),
            ("sep=;\nid;name;price;currency;stock\n", "line 1: semicolons separate the columns"),
            ('"id";"name";"price";"currency";"stock"\n', "line 1: semicolons separate the columns"),
            ("id\tname\tprice\tcurrency\tstock\n", "line 1: tabs separate the columns; save"),
            ("id|name|price|currency|stock\n", "line 1: vertical bars separate the columns; save"),
            ("article\n", "line 1: no column id, name"),
            ("id,name,price,currency,stock,colour\n", "line 1: unknown column 'colour'"),
            ("id,name,price,currency,stock,\n", "line 1: unknown column ''"),
            ("id,name,price,currency,stock,id\n", "line 1: a column appears twice"),
        ],
    )
    def test_bad_header_is_told(self, session, header, told):
        assert error_text(session, header).startswith(told)

    def test_nothing_of_a_bad_file_is_imported(self, session):
        good = "".join(f"p{n},Mug,1,USD,1,\n" for n in range(10_000))
        error_text(session, HEADER + good + "bad\n")
        session.rollback()

        assert session.query(Product).count() == 0

    def test_line_without_an_end_is_not_read_whole(self):
        file = io.BytesIO(HEADER.encode() + b"x" * 10 * MAX_LINE)
        reader = Reader(file, lambda size: None)

        assert reader.read(8192) == ""
        assert reader.error_text() == f"line 2: longer than {MAX_LINE} bytes"
        assert file.tell() < 2 * MAX_LINE


class TestImported:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_line_ends_and_byte_order_mark_do_not_matter(self, session, end, mark):
        content = f"{mark}{HEADER}a,Mug,1250,USD,7,Blue\nb,Pot,4900,EUR,0,\n"

        assert run(session, content.replace("\n", end)) == 2
        product = session.get(Product, "a")
        assert (product.name, product.price, product.currency) == ("Mug", 1250, "USD")
        assert (product.stock, product.description, product.version) == (7, "Blue", 1)
        assert session.get(Product, "b").description == ""

    def test_no_line_end_at_the_end_of_the_file(self, session):
        assert run(session, f"{HEADER}a,Mug,1,USD,1,") == 1

    @pytest.mark.parametrize("empty", [",,,,,", ",", ",,,,,,,,,,", " , ,,,,", "   ", '"",,,,,'])
    def test_rows_of_separators_alone_are_skipped(self, session, empty):
        content = f"{empty}\n{HEADER}{empty}\na,Mug,1,USD,1,\n{empty}\nb,Pot,1,USD,1,\n{empty}"

        assert run(session, content) == 2
        assert error_text(session, f"{content}\nbad,,1,USD,1,").startswith("line 8: name")

    def test_header_alone_is_no_product(self, session):
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
        assert (product.stock, product.description, product.version) == (5, "", 2)

    def test_without_the_column_a_product_keeps_its_description(self, session):
        ProductFactory(id="a", description="Stoneware")

        run(session, "id,name,price,currency,stock\na,Mug,1,USD,1\nb,Pot,1,USD,1\n")

        assert session.get(Product, "a").description == "Stoneware"
        assert session.get(Product, "b").description == ""

    def test_retired_product_comes_back(self, session, as_admin, client, user):
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

        assert session.get(Product, "a").version == 2

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
    def test_it_does_not_grow_with_the_file(self):
        reader = Reader(EndlessFile(count=10_000), lambda size: None)
        tracemalloc.start()
        try:
            total = sum(map(len, iter(lambda: reader.read(8192), "")))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert total > 10_000_000
        assert peak < 1_000_000
