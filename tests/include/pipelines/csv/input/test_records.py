from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.input.encodings import TextEncoding
from include.pipelines.csv.input.lines import MAX_LINE_BYTES, read_lines
from include.pipelines.csv.input.records import CsvRow, read_rows

UTF_8 = TextEncoding("utf-8")


def rows(content: bytes, delimiter: str = ",") -> list[CsvRow]:
    return list(read_rows(read_lines(io.BytesIO(content), len(content), UTF_8), delimiter))


def codes(found: list[CsvRow]) -> list[str | None]:
    return [row.fault.code if row.fault else None for row in found]


def test_rows_have_their_line_their_bytes_and_the_empty_lines_before_them() -> None:
    found = rows(b'\r\na,"b\r\nc"\n\n\rd,e\r\n\nf')
    assert [row.cells for row in found] == [["a", "b\r\nc"], ["d", "e"], ["f"]]
    assert [(row.line, row.blanks, row.next_line, row.size) for row in found] == [
        (2, 1, 4, 11),
        (6, 2, 7, 7),
        (8, 1, 9, 2),
    ]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'"a,b', "csv.quotes"),
        (b'a,"b"c', "csv.quotes"),
        (b'"a,b"\x20,c', "csv.quotes"),
        (b"a,\xff", "csv.undecodable"),
        (b"a,b\0", "csv.nul"),
        (b"a," + b"x" * MAX_LINE_BYTES, "csv.too_long"),
        (b'a,"' + b"x" * 200_000 + b'"', "csv.quotes"),
    ],
)
@pytest.mark.parametrize("next_rows", [[b'"c",d'], [b"c,d", b'"e",f', b"g,h"], []])
def test_a_bad_row_costs_itself_only(bad: bytes, code: str, next_rows: list[bytes]) -> None:
    found = rows(b"\n".join([b"first,1", bad, *next_rows]))
    assert codes(found) == [None, code, *[None] * len(next_rows)]
    assert [row.cells for row in found[2:]] == [next(csv.reader([row.decode()])) for row in next_rows]
    assert [row.line for row in found] == list(range(1, len(next_rows) + 3))


def test_a_quote_that_is_never_closed_costs_one_row_of_a_large_file() -> None:
    content = b'a,b\n"c,d\n' + b"e,f\n" * 100_000
    found = rows(content)
    assert codes(found) == [None, "csv.quotes", *[None] * 100_000]
    assert sum(row.size for row in found) == len(content)


def test_what_can_be_told_of_a_bad_row_is_kept_for_the_output() -> None:
    assert [row.cells for row in rows(b'"5 inch,b\nc,d\xff\n')] == [["5 inch,b"], ["c", "d\ufffd"]]


def test_an_error_shows_nothing_of_the_row() -> None:
    (row,) = rows(b'secret,"secret')
    assert "secret" not in str(row.fault)


CONTENT = st.text(st.sampled_from('ab",;\r\n\0\u00e9 '), max_size=60).map(str.encode)


@given(content=CONTENT, delimiter=st.sampled_from(",;"))
def test_every_byte_is_in_one_row_or_a_blank_line_and_a_row_reads_the_same_by_itself(
    content: bytes, delimiter: str
) -> None:
    found = rows(content, delimiter)
    assert sum(row.size for row in found) <= len(content)
    at = 0
    for row in found:
        alone = rows(content[at : at + row.size], delimiter)
        assert [(one.cells, codes([one])) for one in alone] == [(row.cells, codes([row]))]
        at += row.size
    assert content[at:].strip(b"\r\n") == b""


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(table=st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=8), delimiter=st.sampled_from(",;\t|"))
def test_what_the_standard_library_writes_comes_back(table: list[list[str]], delimiter: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(table)
    found = rows(file.getvalue().encode(), delimiter)
    assert codes(found) == [None] * len(table)
    assert [row.cells for row in found] == table
