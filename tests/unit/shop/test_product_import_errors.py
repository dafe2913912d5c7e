"""Import of products from CSV: error messages."""

import io

import pytest

from models.products import Product
from services.product_csv import MAX_ERRORS, MAX_LINE, Reader
from tests.support.product_files import HEADER, error_text


class TestErrors:
    @pytest.mark.parametrize(
        ("line", "message"),
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
    def test_message_has_the_line_number_and_the_reason(self, session, line, message):
        text = error_text(session, f"{HEADER}good,Mug,1,USD,1,\n{line}\n")

        assert text.startswith("line 3: ")
        assert message in text

    def test_invalid_utf_8(self, session):
        assert error_text(session, HEADER.encode() + b"a,M\xffg,1,USD,1,\n") == (
            "line 2: not UTF-8; save the file as CSV in UTF-8"
        )

    def test_utf_16(self, session):
        assert "line 1: not UTF-8; save" in error_text(session, HEADER.encode("utf-16"))

    @pytest.mark.parametrize("count", [1, 50_000])
    @pytest.mark.parametrize("start", ["", "\ufeff", "\n"])
    def test_line_ends_of_cr_alone_give_one_message(self, session, start, count):
        content = HEADER + "a,Mug,1,USD,1,\n" * count

        text = error_text(session, start + content.replace("\n", "\r"))

        assert text.endswith(
            ": the lines end with carriage returns (CR) alone; save the file as CSV for Windows "
            "or Linux"
        )
        assert len(text.splitlines()) == 1

    def test_all_bad_lines_are_reported(self, session):
        content = b"a b,M,1,USD,1,\n\xff,M,1,USD,1,\nc,M,1,USD,1,\nc,M,1,USD,1,\nd,M,x,USD,1,\n"

        lines = error_text(session, HEADER.encode() + content).splitlines()
        assert [line.partition(":")[0] for line in lines] == [
            "line 2",
            "line 3",
            "line 5",
            "line 6",
        ]

    def test_at_most_twenty_errors_are_reported(self, session):
        lines = error_text(session, HEADER + "bad,,,,,\n" * 500).splitlines()

        assert len(lines) == MAX_ERRORS + 1
        assert "more" in lines[-1]

    def test_line_of_a_record_over_many_lines_is_its_first(self, session):
        content = f'{HEADER}a,"M\nu\ng",1,USD,1,\n\nb,"M\nug",x,USD,1,\n'

        assert error_text(session, content).startswith("line 6: price")

    def test_duplicate_product_is_reported_with_both_lines(self, session):
        content = f"{HEADER}a,Mug,1,USD,1,\nb,Mug,1,USD,1,\na,Mug,2,USD,1,\n"

        assert error_text(session, content) == "line 4: a is already in line 2"

    @pytest.mark.parametrize(
        ("header", "message"),
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
    def test_bad_header(self, session, header, message):
        assert error_text(session, header).startswith(message)

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
