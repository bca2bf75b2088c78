from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mssql
from sqlalchemy.dialects.mssql.pymssql import MSDialect_pymssql

from include.engine.errors import FatalError, RecordRejected, SettingsError
from include.engine.model import Batch, ByteRange, Key, KeyListRange, KeyRange, Record
from include.engine.plan import plan_keys
from include.pipelines.xml.document.encoding import Utf8
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import find_contract
from include.pipelines.xml.source.change_dates import within
from include.pipelines.xml.source.rows import TOO_LARGE, record_of
from include.pipelines.xml.source.table import SourceNames, SourceTable, bounded, narrow
from include.pipelines.xml.source.table_source import TableKeySpace, XmlTableSource
from include.pipelines.xml.tables import target_of
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.key_lists import store_keys
from include.warehouse.schema import prepare
from include.warehouse.window import Window

NAMES = SourceNames("docs", "id", "xml", "changed")
DAY = Window(datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 3, tzinfo=UTC))


def make_table(path: Path, rows: list[tuple[object, ...]], key_type: str = "INTEGER PRIMARY KEY") -> Warehouse:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE IF EXISTS docs")
        connection.execute(f"CREATE TABLE docs (id {key_type}, xml TEXT, changed TIMESTAMP)")
        connection.executemany("INSERT INTO docs VALUES (?, ?, ?)", [(*row, None, None)[:3] for row in rows])
    return sqlite_warehouse(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source.db"


def read(source: XmlTableSource, lower: Key | None = None, upper: Key | None = None) -> list[Record]:
    return list(source.read(Batch(0, KeyRange(lower, upper), 0)))


@pytest.mark.parametrize(
    ("lower", "upper", "keys"),
    [
        (None, None, [1, 3, 5, 7, 9]),
        (3, 7, [3, 5]),
        (4, 8, [5, 7]),
        (None, 1, []),
        (9, None, [9]),
        (10, None, []),
    ],
)
@pytest.mark.parametrize("page_rows", [1, 2, 5, 500])
def test_a_key_range_is_half_open_whatever_the_size_of_a_page(
    path: Path, lower: Key | None, upper: Key | None, keys: list[Key], page_rows: int
) -> None:
    warehouse = make_table(path, [(key, f"<a>{key}</a>") for key in (9, 1, 5, 3, 7)])
    source = XmlTableSource(warehouse, NAMES, page_rows=page_rows)
    assert [record.key for record in read(source, lower, upper)] == keys


def test_text_comes_as_the_bytes_of_its_utf_8_and_counts_so(path: Path) -> None:
    (record,) = read(XmlTableSource(make_table(path, [(1, "<a>é</a>")]), NAMES))
    assert isinstance(record.payload, Utf8)
    assert (record.payload.data, record.size) == ("<a>é</a>".encode(), 9)


def test_text_that_is_not_utf_8_costs_one_record(path: Path) -> None:
    warehouse = make_table(path, [(1, "<a/>"), (2, None), (3, "<a/>")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE docs SET xml = CAST(x'3c613ee93c2f613e' AS TEXT) WHERE id = 2")
    first, second, third = read(XmlTableSource(warehouse, NAMES))
    assert (first.fault, third.fault) == (None, None)
    with pytest.raises(RecordRejected, match=r"xml\.encoding: the database's text is not UTF-8 at line 1, column 4"):
        DocumentParser(ParseLimits()).parse(second.payload)


@pytest.mark.parametrize("window", [None, DAY])
def test_a_change_date_that_is_not_utf_8_costs_one_record(path: Path, window: Window | None) -> None:
    warehouse = make_table(path, [(key, "<a/>", "2025-01-02 10:00:00") for key in (1, 2, 3)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE docs SET changed = CAST(x'3230e9' AS TEXT) WHERE id = 2")
    first, second, third = read(XmlTableSource(warehouse, NAMES, window))
    assert first.version == third.version == "2025-01-02T10:00:00.000000+00:00"
    assert second.fault is not None
    assert second.fault.code == "source.change_date"


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_text_and_bytes_are_told_apart_in_a_database_of_any_encoding(path: Path, encoding: str) -> None:
    document = '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00e9</a>'
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE docs (id INTEGER PRIMARY KEY, xml, changed)")
        # As text the declaration is history, as bytes it is what the document says of itself.
        connection.execute("INSERT INTO docs VALUES (1, ?, NULL), (2, ?, NULL)", (document, document.encode("latin-1")))
        connection.commit()
    records = read(XmlTableSource(sqlite_warehouse(path), NAMES))
    parser = DocumentParser(ParseLimits())
    assert [parser.parse(record.payload).text for record in records] == ["\u00e9", "\u00e9"]


def test_a_page_ends_when_its_bytes_are_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [10, 10, 5_000, 10, 10, 10]
    warehouse = make_table(path, [(key, "x" * size) for key, size in enumerate(sizes)])
    source = XmlTableSource(warehouse, NAMES, page_bytes=1_000)
    pages: list[list[Key]] = []
    fetch = source._fetch

    def watched(*arguments: object) -> object:
        page, complete = fetch(*arguments)  # type: ignore[arg-type]
        pages.append([record.key for record in page])
        return page, complete

    monkeypatch.setattr(source, "_fetch", watched)
    assert [record.size for record in read(source)] == sizes
    assert pages == [[0, 1, 2], [3, 4, 5]]


def test_nothing_is_held_between_pages(path: Path) -> None:
    warehouse = make_table(path, [(key, "<a/>") for key in range(6)])
    records = XmlTableSource(warehouse, NAMES, page_rows=2).read(Batch(0, KeyRange(None, None), 6))
    assert next(records).key == 0
    with closing(sqlite3.connect(path, timeout=0)) as other, other:
        # A reader that still held its snapshot or cursor would refuse this exclusive lock.
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM docs WHERE id = 4")
    assert [record.key for record in records] == [1, 2, 3, 5]


def test_text_keys_are_read_in_the_databases_order(path: Path) -> None:
    warehouse = make_table(path, [("b", "<a/>"), ("a", "<a/>"), ("B", "<a/>")], "TEXT PRIMARY KEY")
    assert [record.key for record in read(XmlTableSource(warehouse, NAMES, page_rows=1), "B", "b")] == ["B", "a"]


def test_a_window_takes_change_dates_in_any_form_and_those_that_are_missing(path: Path) -> None:
    warehouse = make_table(
        path,
        [
            (1, "<a/>", "2025-01-01 23:59:59.999000"),
            (2, "<a/>", "2025-01-02 00:00:00"),
            (3, "<a/>", "2025-01-02T23:59:59.999Z"),
            (4, "<a/>", "2025-01-03T00:00:00.000"),
            (5, "<a/>", "2025-01-03T01:30:00+02:00"),
            (6, "<a/>", None),
        ],
    )
    records = read(XmlTableSource(warehouse, NAMES, DAY))
    assert {record.key: record.version for record in records} == {
        2: "2025-01-02T00:00:00.000000+00:00",
        3: "2025-01-02T23:59:59.999000+00:00",
        5: "2025-01-02T23:30:00.000000+00:00",
        6: None,
    }


def test_a_change_date_that_the_database_cannot_read_hides_no_record(path: Path) -> None:
    warehouse = make_table(
        path, [(1, "<a/>", "20250102T101112"), (2, "<a/>", "2.1.2025"), (3, "<a/>", "2025-01-04 00:00:00")]
    )
    records = read(XmlTableSource(warehouse, NAMES, DAY))
    assert [record.key for record in records] == [1, 2]
    assert records[0].version == "2025-01-02T10:11:12.000000+00:00"
    assert records[1].fault is not None
    assert records[1].fault.code == "source.change_date"


def test_a_key_that_is_null_is_fatal_and_says_so(path: Path) -> None:
    warehouse = make_table(path, [(None, "<a/>"), ("a", "<a/>")], "TEXT PRIMARY KEY")
    with pytest.raises(FatalError, match="key_column: a key of the source is NULL"):
        read(XmlTableSource(warehouse, NAMES))


def test_what_cannot_be_read_settles_as_a_reject_with_its_key(path: Path) -> None:
    warehouse = make_table(path, [(1, None, None), (2, 17, None), (3, "<a/>", "yesterday PLANTED"), (4, b"<a/>", None)])
    # TEXT affinity turns the number into text; a table without affinity keeps it.
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, xml, changed)")
        connection.execute("INSERT INTO raw SELECT * FROM docs")
        connection.execute("UPDATE raw SET xml = 17 WHERE id = 2")
    records = read(XmlTableSource(warehouse, SourceNames("raw", "id", "xml", "changed")))
    assert [record.fault.code if record.fault else None for record in records] == [
        "source.null",
        "source.type",
        "source.change_date",
        None,
    ]
    assert all("PLANTED" not in record.fault.message for record in records if record.fault)


def test_listed_keys_are_read_and_the_missing_ones_settle_as_rejects(path: Path, tmp_path: Path) -> None:
    warehouse = make_table(path, [(key, "<a/>" * 50) for key in range(0, 1000, 2)])
    lists = sqlite_warehouse(tmp_path / "warehouse.db")
    prepare(lists, "xml_records", target_of(find_contract("lending")))
    store_keys(lists, "mine", range(990, 0, -1))
    source = XmlTableSource(warehouse, NAMES, key_lists=lists, page_bytes=3_000)
    records = list(source.read(Batch(0, KeyListRange("mine", 10, 510), 500)))
    assert len(records) == 500
    assert {record.key for record in records} == set(range(980, 480, -1))
    faults = {record.key: record.fault.code for record in records if record.fault}
    assert faults == dict.fromkeys(range(979, 480, -2), "source.missing")


@pytest.mark.parametrize("page_rows", [1, 2, 10])
def test_a_key_that_is_not_unique_stops_the_batch(path: Path, page_rows: int) -> None:
    warehouse = make_table(path, [(1, "<a/>"), (2, "<a/>"), (2, "<b/>"), (3, "<a/>")], "INTEGER")
    with pytest.raises(FatalError, match="docs: key_column id is not unique, 2 is there twice"):
        read(XmlTableSource(warehouse, NAMES, page_rows=page_rows))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (SourceNames("documents", "id", "xml"), "documents: there is no such table; there are docs"),
        (
            SourceNames("docs", "app_id", "xml", "at"),
            "no key_column app_id, no change_date_column at; there are id, xml",
        ),
        (SourceNames("docs", "id", "xml", schema="dbo"), "source_schema dbo: SQLite has none, leave it out"),
        (SourceNames("docs", "changed", "xml"), "key_column changed must be integer or text"),
    ],
)
def test_what_is_missing_in_the_source_is_named_with_what_there_is(path: Path, names: SourceNames, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(XmlTableSource(make_table(path, []), names))
    assert words in str(raised.value)


def test_names_are_found_whatever_their_case(path: Path) -> None:
    warehouse = make_table(path, [(1, "<a/>")])
    assert [record.key for record in read(XmlTableSource(warehouse, SourceNames("docs", "ID", "Xml")))] == [1]


def test_bounds_of_the_wrong_kind_and_other_batches_are_fatal(path: Path) -> None:
    source = XmlTableSource(make_table(path, [(1, "<a/>")]), NAMES)
    with pytest.raises(FatalError, match="another kind"):
        read(source, "a", None)
    with pytest.raises(FatalError, match="ByteRange"):
        source.read(Batch(0, ByteRange("file:x", "sha256:0", 0, 1), 1))


def spaces(path: Path, keys: set[int]) -> Iterator[tuple[XmlTableSource, TableKeySpace]]:
    warehouse = make_table(path, [(key, "<a/>", "2025-01-02 00:00:00") for key in keys])
    source = XmlTableSource(warehouse, NAMES, DAY)
    yield source, TableKeySpace(warehouse, source.table, 10, 90)


@settings(max_examples=40, deadline=None)
@given(keys=st.sets(st.integers(0, 100)), size=st.integers(1, 30))
def test_every_planned_key_is_read_by_exactly_one_batch(
    tmp_path_factory: pytest.TempPathFactory, keys: set[int], size: int
) -> None:
    for source, space in spaces(tmp_path_factory.getbasetemp() / "planned.db", keys):
        batches = plan_keys(space, size, lower=10, upper=90)
        planned = sorted(key for key in keys if 10 <= key < 90)
        found = [[record.key for record in source.read(batch)] for batch in batches]
        assert [key for part in found for key in part] == planned
        assert [len(part) for part in found] == [batch.planned_records for batch in batches]
        assert space.last() == (planned[-1] if planned else None)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (mssql.NVARCHAR(20), "docs.id > :key"),
        (sa.BigInteger(), "docs.id > :key"),
        (mssql.VARCHAR(20), "docs.id > CAST(:key AS VARCHAR(8000))"),
        (
            mssql.CHAR(8, "Latin1_General_BIN2"),
            "docs.id > CAST(:key COLLATE Latin1_General_BIN2 AS VARCHAR(8000))",
        ),
        (mssql.VARCHAR(20, "x; DROP"), "docs.id > CAST(:key AS VARCHAR(8000))"),
    ],
)
def test_a_single_byte_key_of_sql_server_is_compared_by_its_own_rules_and_not_by_those_of_nvarchar(
    type_: Any, expected: str
) -> None:
    column, is_number = sa.table("docs", sa.column("id")).c.id, isinstance(type_, sa.Integer)
    table = SourceTable(column, column, sa.null(), None, sa.null(), is_number, None, "mssql", narrow(type_))
    condition = column > table.bound(7 if is_number else "A-10")
    text = str(condition.compile(dialect=MSDialect_pymssql()))
    assert re.sub(r":\w+", ":key", text) == expected
    assert sqlglot.parse_one(f"SELECT 1 FROM docs WHERE {re.sub(r':[a-z]+', 'N1', text)}", read="tsql")


@pytest.mark.parametrize(
    ("type_", "limit"),
    [
        (sa.VARCHAR(None), 1000),
        (sa.TEXT(), 1000),
        (mssql.NVARCHAR(None), 2000),
        (mssql.NTEXT(), 2000),
        (mssql.XML(), None),
        (mssql.VARBINARY("max"), None),
    ],
    ids=repr,
)
def test_sql_server_keeps_a_document_that_is_too_large_where_its_length_tells(type_: Any, limit: int | None) -> None:
    document, storage = bounded(sa.table("docs", sa.column("xml")).c.xml, type_, 1000)
    compiled = sa.select(document, storage).compile(dialect=MSDialect_pymssql())
    text = str(compiled)
    assert ("datalength(docs.xml) > " in text) == (limit is not None)
    assert limit is None or set(compiled.params.values()) == {limit, TOO_LARGE}
    assert sqlglot.parse_one(re.sub(r"%\(\w+\)s", "1", text), read="tsql")


def test_a_document_that_is_larger_than_the_limit_for_certain_costs_its_record_and_goes_no_further(path: Path) -> None:
    large, wide = "<a>" + "x" * 14 + "</a>", "<a>é</a>".encode("utf-32")
    rows = [(1, large[1:]), (2, large), (3, large.encode()), (4, wide), (5, b" " * 81), (6, "<a/>")]
    source = XmlTableSource(make_table(path, rows), SourceNames("docs", "id", "xml"), max_document_bytes=20)
    records = read(source)
    assert [record.fault.code if record.fault else None for record in records] == [
        None,
        "xml.too_large",
        None,
        None,
        "xml.too_large",
        None,
    ]
    assert [record.key for record in records if record.payload is None] == [2, 5]


@pytest.mark.parametrize(("found", "storage"), [(None, TOO_LARGE), ("é" * 6, None), (b"x" * 21, None)])
def test_a_driver_says_that_a_document_is_too_large_in_any_of_its_ways(found: object, storage: str | None) -> None:
    record = record_of((1, found, storage, None), 5)
    assert (record.payload, record.fault and record.fault.code) == (None, "xml.too_large")
    assert record.fault is not None
    assert record.fault.message == "more than max_document_bytes (5)"


def test_a_window_reaches_sql_server_with_all_digits_and_as_no_datetime() -> None:
    condition = within(sa.column("changed"), DAY, "mssql")
    compiled = condition.compile(dialect=MSDialect_pymssql())
    assert str(compiled).count("AS DATETIME2(6))") == 2
    assert "2025-01-02T00:00:00.000000" in compiled.params.values()
