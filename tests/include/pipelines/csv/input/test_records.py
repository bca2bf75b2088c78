from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.input import records
from include.pipelines.csv.input.encodings import TextEncoding
from include.pipelines.csv.input.lines import MAX_LINE_BYTES, Lines
from include.pipelines.csv.input.records import MAX_ROW_BYTES, CsvRow, read_rows

UTF_8 = TextEncoding("utf-8")


def rows(content: bytes, delimiter: str = ",") -> list[CsvRow]:
    return list(read_rows(Lines(io.BytesIO(content), len(content), UTF_8), delimiter))


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


NOTE = "\n".join(f"line {number}, with one comma" for number in range(8_000))


@pytest.mark.parametrize("cell", ["x" * 200_000, NOTE, NOTE * 20])
def test_a_cell_may_be_as_large_as_its_row(cell: str) -> None:
    limit = csv.field_size_limit(10)
    try:
        found = rows(f'a,"{cell}"\nc,d\n'.encode())
        assert csv.field_size_limit() > MAX_ROW_BYTES
    finally:
        csv.field_size_limit(limit)
    assert [row.cells for row in found] == [["a", cell], ["c", "d"]]


def test_a_limit_that_somebody_set_higher_stays() -> None:
    limit = csv.field_size_limit(2**30)
    try:
        assert rows(b"a\n")[0].cells == ["a"]
        assert csv.field_size_limit() == 2**30
    finally:
        csv.field_size_limit(limit)


def test_no_line_of_a_row_that_is_too_long_becomes_a_row() -> None:
    cell = NOTE * 30
    content = f'a,b\n"c ""d"", {cell}","{NOTE}"\r\ne,f\n'.encode()
    found = rows(content)
    assert codes(found) == [None, "csv.too_long", None]
    assert f"the row has {len(content) - 8} bytes, {MAX_ROW_BYTES} are allowed" in str(found[1].fault)
    assert [(row.line, row.next_line) for row in found][1:] == [
        (2, 2 + lines_of(content) - 2),
        (lines_of(content), lines_of(content) + 1),
    ]


def lines_of(content: bytes) -> int:
    return len(content.splitlines())


@pytest.mark.parametrize("after", ['e,"f"\n', "e,f\n", 'e,"f" g\n', 'e,""\n'])
def test_a_quote_that_is_never_closed_costs_one_row_beyond_the_longest_row_too(
    after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_ROW_BYTES", 400)
    monkeypatch.setattr(records, "MAX_SEARCH_BYTES", 4_000)
    for more in (100, 2_000):
        found = rows(("\n".join(["a,b", '"c,d', *["e,f"] * more, after])).encode())
        assert codes(found)[:-1] == [None, "csv.quotes", *[None] * more]
        assert found[1].next_line == 3


def test_what_can_be_told_of_a_bad_row_is_kept_for_the_output() -> None:
    assert [row.cells for row in rows(b'"5 inch,b\nc,d\xff\n')] == [["5 inch,b"], ["c", "d\ufffd"]]


def test_an_error_shows_nothing_of_the_row() -> None:
    (row,) = rows(b'secret,"secret')
    assert "secret" not in str(row.fault)


CONTENT = st.text(st.sampled_from('ab",;\r\n\0\u00e9 '), max_size=60).map(str.encode)


@pytest.mark.parametrize("limits", [(MAX_ROW_BYTES, 2 * MAX_ROW_BYTES), (4, 20)])
@given(content=CONTENT, delimiter=st.sampled_from(",;"))
def test_every_byte_is_in_one_row_or_a_blank_line_and_a_row_reads_the_same_by_itself(
    limits: tuple[int, int], content: bytes, delimiter: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "MAX_ROW_BYTES", limits[0])
        patch.setattr(records, "MAX_SEARCH_BYTES", limits[1])
        check_rows(content, delimiter)


def check_rows(content: bytes, delimiter: str) -> None:
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
