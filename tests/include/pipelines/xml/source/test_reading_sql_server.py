"""Documents from SQL Server's own kinds of columns; on SQLite, `test_table_source.py` says the same of its kinds."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

import pytest
import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.engine.model import Batch, Key, KeyListRange, KeyRange, Record
from include.engine.plan import plan_keys
from include.pipelines.xml.document.encoding import to_utf8
from include.pipelines.xml.source.table import SourceNames
from include.pipelines.xml.source.table_source import TableKeySpace, XmlTableSource
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import store_keys
from include.warehouse.schema import prepare
from include.warehouse.window import Window
from tests.fixtures.t_sql_server import emptied_server
from tests.include.warehouse.toy_people import execute, people

pytestmark = pytest.mark.mssql

NAMES = SourceNames("docs", "id", "xml")
MIB = 1024 * 1024


@pytest.fixture
def server() -> Warehouse:
    return emptied_server()


def make_table(
    server: Warehouse, column: str, rows: Sequence[tuple[Key, object]], key: str = "bigint", extra: str = ""
) -> None:
    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE docs (id {key} NOT NULL PRIMARY KEY, xml {column} NULL{extra})")
        for row in rows:
            connection.exec_driver_sql("INSERT INTO docs (id, xml) VALUES (%s, %s)", row)

    server.transact("make the table", work)


def read(source: XmlTableSource, lower: Key | None = None, upper: Key | None = None) -> list[Record]:
    return list(source.read(Batch(0, KeyRange(lower, upper), 0)))


def read_all(server: Warehouse, fallback: str | None = None) -> list[bytes]:
    """Raises the first record's fault."""
    documents = []
    for record in read(XmlTableSource(server, NAMES)):
        if record.fault is not None:
            raise record.fault
        documents.append(to_utf8(record.payload, fallback))
    return documents


DECLARED = ["utf-8", "utf-16", "iso-8859-1", "windows-1252"]


@pytest.mark.parametrize(
    ("column", "text"),
    [("varchar(max)", "née"), ("varchar(200)", "née"), ("nvarchar(max)", "née ж 😀"), ("nvarchar(200)", "née ж 😀")],
)
def test_text_is_what_it_is_whatever_its_declaration_says(server: Warehouse, column: str, text: str) -> None:
    documents = [f'<?xml version="1.0" encoding="{declared}"?><a>{text}</a>' for declared in DECLARED]
    make_table(server, column, list(enumerate(documents)))
    assert read_all(server) == [document.encode() for document in documents]


def test_a_column_of_xml_gives_its_text(server: Warehouse) -> None:
    make_table(server, "xml", [(1, '<a b="1">née ж 😀<c/></a>')])
    assert [document.decode() for document in read_all(server)] == ['<a b="1">née ж 😀<c/></a>']


BYTES = {
    "declared": '<?xml version="1.0" encoding="iso-8859-1"?><a>née</a>'.encode("latin-1"),
    "utf-8": "<a>née</a>".encode(),
    "utf-16 by its mark": "\ufeff<a>née</a>".encode("utf-16"),
    "utf-16 that says utf-8": '<?xml version="1.0" encoding="utf-8"?><a>née</a>'.encode("utf-16-le"),
    "utf-8 that says utf-16": '<?xml version="1.0" encoding="utf-16"?><a>née</a>'.encode(),
}


def test_of_bytes_the_pattern_and_then_the_declaration_decides(server: Warehouse) -> None:
    make_table(server, "varbinary(max)", [(key, bytearray(data)) for key, data in enumerate(BYTES.values())])
    found = [document.decode()[-len("<a>née</a>") :] for document in read_all(server)]
    assert dict(zip(BYTES, found, strict=True)) == dict.fromkeys(BYTES, "<a>née</a>")


def test_bytes_that_contradict_their_declaration_cost_their_record_or_are_read_as_told(server: Warehouse) -> None:
    contradicting = '<?xml version="1.0" encoding="utf-8"?><a>née</a>'.encode("cp1252")
    make_table(server, "varbinary(max)", [(1, bytearray(contradicting))])
    with pytest.raises(RecordRejected, match=r"xml\.encoding: the bytes are not utf-8 at byte 42"):
        read_all(server)
    assert "<a>née</a>" in read_all(server, "cp1252")[0].decode()


def test_a_null_costs_its_record_alone(server: Warehouse) -> None:
    make_table(server, "xml", [(1, "<a/>"), (2, None), (3, "<a/>")])
    assert [record.fault and record.fault.code for record in read(XmlTableSource(server, NAMES))] == [
        None,
        "source.null",
        None,
    ]


TEXT_KEYS = ["A-10", "A1", "A-1", "a2", "B 1", "co-op", "coop", "co op", "Ö1", "O2", "z'z", "%s", "[x]", "100%"]


@pytest.mark.parametrize("key", ["varchar(20)", "nvarchar(20)", "char(8)", "varchar(20) COLLATE Latin1_General_BIN2"])
def test_every_text_key_is_read_once_in_the_columns_own_order(server: Warehouse, key: str) -> None:
    make_table(server, "varchar(max)", [(name, "<a/>") for name in TEXT_KEYS], key)
    table = XmlTableSource(server, NAMES).table
    for page_rows in (1, 3, 100):
        source = XmlTableSource(server, NAMES, page_rows=page_rows)
        source.__dict__["table"] = table
        found = [str(record.key).rstrip() for record in read(source)]
        assert sorted(found) == sorted(TEXT_KEYS)
        cut = found[5]
        halves = [record for bounds in ((None, cut), (cut, None)) for record in read(source, *bounds)]
        assert [str(record.key).rstrip() for record in halves] == found
    planned = [record for batch in plan_keys(TableKeySpace(server, table), 4) for record in source.read(batch)]
    assert [str(record.key).rstrip() for record in planned] == found


def test_listed_keys_come_in_the_order_of_the_list_and_missing_ones_with_a_fault(server: Warehouse) -> None:
    prepare(server, "toy", people())
    make_table(server, "varchar(max)", [(name, "<a/>") for name in TEXT_KEYS], "varchar(20)")
    wanted = ["A-1", "not there", "A1"]
    store_keys(server, "mine", wanted)
    records = list(XmlTableSource(server, NAMES).read(Batch(0, KeyListRange("mine", 0, 3), 3)))
    assert {record.key: record.fault and record.fault.code for record in records} == {
        "A-1": None,
        "not there": "source.missing",
        "A1": None,
    }


def test_no_lock_is_held_between_pages(server: Warehouse) -> None:
    make_table(server, "nvarchar(max)", [(key, f"<a>{key}</a>") for key in range(6)])
    records = XmlTableSource(server, NAMES, page_rows=2).read(Batch(0, KeyRange(None, None), 6))
    first = [record.key for record in islice(records, 2)]
    execute(
        server,
        "SET LOCK_TIMEOUT 1000",
        "UPDATE docs SET xml = N'<a>new</a>'",
        "DELETE FROM docs WHERE id IN (1, 4)",
        "ALTER TABLE docs ADD more int NULL",
    )
    rest = {record.key: to_utf8(record.payload) for record in records}
    assert (first, rest) == ([0, 1], {2: b"<a>new</a>", 3: b"<a>new</a>", 5: b"<a>new</a>"})


def test_memory_holds_a_page_and_not_the_table(server: Warehouse) -> None:
    make_table(server, "varchar(max)", [(key, "<a/>") for key in range(8)])
    execute(server, "UPDATE docs SET xml = '<a>' + REPLICATE(CAST('x' AS varchar(max)), 10485760) + '</a>'")
    source = XmlTableSource(server, NAMES, page_bytes=8 * MIB)
    assert len(source.table.selected()) == 4
    tracemalloc.start()
    try:
        sizes = [record.size for record in source.read(Batch(0, KeyRange(None, None), 8))]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [10 * MIB + 7] * 8
    # One document as the driver's text and as bytes, while the one before it is still at work.
    assert peak < 40 * MIB


@pytest.mark.parametrize("column", ["datetime2(7)", "datetime2(3)", "datetimeoffset(7)"])
def test_a_window_is_half_open_to_the_last_digit(server: Warehouse, column: str) -> None:
    make_table(server, "varchar(max)", [(key, "<a/>") for key in range(5)], extra=f", changed {column} NULL")
    moments = [
        "2025-01-01T23:59:59.999",
        "2025-01-02T00:00:00.001",
        "2025-01-02T23:59:59.999",
        "2025-01-03T00:00:00.001",
    ]
    execute(server, *(f"UPDATE docs SET changed = '{moment}' WHERE id = {n}" for n, moment in enumerate(moments)))
    day = Window(datetime(2025, 1, 2, 0, 0, 0, 1000, UTC), datetime(2025, 1, 3, 0, 0, 0, 1000, UTC))
    records = read(XmlTableSource(server, SourceNames("docs", "id", "xml", "changed"), day))
    assert [record.key for record in records] == [1, 2, 4], "4 has no change date, and must not be hidden for ever"
    assert [record.version for record in records] == [
        "2025-01-02T00:00:00.001000+00:00",
        "2025-01-02T23:59:59.999000+00:00",
        None,
    ]
    ever = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    assert len(read(XmlTableSource(server, SourceNames("docs", "id", "xml", "changed"), ever))) == 5
