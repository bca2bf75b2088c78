"""The T-SQL without a server: every statement is read by a parser, and by pymssql's own substitution."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pymssql
import pytest
import sqlalchemy as sa
import sqlglot
from airflow.providers.microsoft.mssql.hooks.mssql import MsSqlHook
from airflow.sdk import Connection
from pymssql import _mssql
from sqlalchemy.dialects import mssql as mssql_types
from sqlalchemy.schema import CreateTable
from sqlglot import exp

from include.engine.errors import FatalError, SettingsError, TransientError
from include.engine.model import InsertBatch, Key
from include.engine.stats import BatchStats
from include.warehouse.connection import Warehouse
from include.warehouse.found_tables import foreign_keys_into
from include.warehouse.key_lists import store_keys
from include.warehouse.ledger import FAILED, Ledger
from include.warehouse.loaders import mssql, mssql_rivals, mssql_server
from include.warehouse.loaders.mssql import CHUNK_BYTES, CHUNK_ROWS, MssqlLoader, json_chunks, shred_type, wire_bytes
from include.warehouse.records import WarehouseMemory
from include.warehouse.runs import Run, finish_run, start_run
from include.warehouse.schema import ensure_tables
from include.warehouse.server_check.throughput import measured_table, wire_rows
from include.warehouse.sink import WarehouseSink
from include.warehouse.tables import metadata, records
from include.warehouse.target import IDENTITY_INSERT, Target
from include.warehouse.verify import verify
from tests.include.warehouse.fake_mssql import Answer, FakeServer
from tests.include.warehouse.test_type_matrix import GOOD
from tests.include.warehouse.toy_people import attempt, batch, noted, people, rejected, written

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def warehouse(server: FakeServer) -> Warehouse:
    connection = Connection(
        conn_id="w",
        conn_type="mssql",
        host="db.example",
        login="loader",
        password="secret",
        schema="lending",
        port=1433,
        extra=json.dumps({"tds_version": "7.4", "login_timeout": 5}),
    )
    return Warehouse("mssql", MsSqlHook(connection=connection).get_conn, schema="stage")


def matrix() -> Target:
    columns = [sa.Column(f"c{number}", type_) for number, (type_, _) in enumerate(GOOD)]
    key = sa.Column("id", sa.String(40), primary_key=True)
    return Target("matrix", "id", [sa.Table("matrix", sa.MetaData(), key, *columns)])


def numbered(schema: str | None = None) -> Target:
    """A table whose IDENTITY column is filled by its rows."""
    columns = sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("v", sa.String(5))
    return Target(
        "numbered", "id", [sa.Table("numbered", sa.MetaData(schema=schema), *columns, info={IDENTITY_INSERT: True})]
    )


def insert_numbered(warehouse: Warehouse, *schemas: str | None) -> None:
    """Into a table of each schema, with one loader."""
    loader = MssqlLoader(warehouse.qualify)
    for schema in schemas or (None,):
        table = numbered(schema).table("numbered")
        warehouse.transact("insert", partial(loader.insert, table=table, rows=[(1, "a")]))


def everything(warehouse: Warehouse, server: FakeServer) -> list[tuple[str, Any]]:
    """Every statement that the project sends to SQL Server."""
    apart = people(schema="mart", name="apart")
    declared = (*people().tables, *matrix().tables, *apart.tables)
    tables = [*metadata.sorted_tables, *(table.table for table in declared)]
    with pytest.raises(FatalError):  # the fake server finds nothing afterwards
        ensure_tables(warehouse, tables)
    ledger = Ledger(warehouse)
    cycle = ledger.claim(attempt(), batch(), "print")
    for target, key in ((people(), 1), (matrix(), "a"), (apart, 1)):
        sink = WarehouseSink(warehouse, cycle, target)
        settlement = noted(written(key), "truncated person.name", marks=1)
        settlement.rows = {"matrix": [("a", *(None for _ in GOOD))]} if key == "a" else settlement.rows
        sink.commit(InsertBatch(server.line["ordinal"] + 1, [settlement, rejected(2)], 2))
        sink.close()
    run = Run("toy", "people", "dag", "run")
    start_run(warehouse, run, [batch()])
    finish_run(warehouse, run, "succeeded", {})
    with pytest.raises(FatalError):  # the fake server has no line to show
        ledger.finish(cycle, BatchStats(), FAILED)
    loader = MssqlLoader(warehouse.qualify)
    insert_numbered(warehouse, None, "mart")
    warehouse.transact("look", lambda c: foreign_keys_into(warehouse, c, [people()["person"].full_name]), write=False)
    verify(warehouse, "toy", apart)
    WarehouseMemory(warehouse, "toy", "people", 41).prior([1])
    store_keys(warehouse, "list", [1, "a"])
    warehouse.transact("upsert", lambda c: loader.upsert(c, records, [("p",) * len(records.columns)]))
    constants = [
        mssql.PROBE,
        mssql.FOREIGN_KEYS_IN,
        mssql.COLUMNS_OF,
        mssql.PRIMARY_KEYS_OF,
        mssql.APPLICATION_LOCK,
        mssql.HAS_IDENTITY,
        mssql.SCHEMA_ID,
        mssql.UTC_NOW,
    ]
    constants += [mssql_server.VERSION, mssql_server.DATABASE, mssql_server.SESSION]
    constants += [mssql_server.DATABASE_PERMISSION, mssql_server.SCHEMA_PERMISSION, mssql_server.SESSION_SETUP]
    constants += [*mssql_server.scratch_schema("scratch"), mssql_server.drop_temporary("#t")]
    constants += [mssql_server.empty_temporary("#t"), *mssql_rivals.staging(measured_table())]
    rows = wire_rows(measured_table(), 2)
    for way in (mssql_rivals.by_values, mssql_rivals.by_executemany):
        warehouse.transact("rival", lambda c, way=way: way(c, measured_table(), rows))
    return server.statements + [(text, ("[]",) * text.count("%s")) for text in constants]


def test_every_statement_is_t_sql_to_a_parser(warehouse: Warehouse, server: FakeServer) -> None:
    kinds = set()
    for text, _ in everything(warehouse, server):
        plain = re.sub(r"%\(\w+\)s|%s", "N'x'", text)
        parsed = sqlglot.parse(plain, read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
        assert parsed
        assert all(parsed)
        kinds |= {type(part) for part in parsed}
    assert {exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Select} <= kinds


ONLY_T_SQL = re.compile(
    r"OPENJSON\(|sp_\w+|\bsys\.\w+|@@[A-Z]|XACT_ABORT|LOCK_TIMEOUT|HAS_PERMS|SET IDENTITY_INSERT", re.I
)


def test_all_t_sql_stands_beside_the_loader() -> None:
    found = set()
    for path in (ROOT / "include").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if id(node) in docstrings:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and ONLY_T_SQL.search(node.value):
                found.add(str(path.relative_to(ROOT / "include")))
    assert found == {"warehouse/loaders/mssql.py", "warehouse/loaders/mssql_server.py"}


def test_no_statement_uses_what_the_house_does_not_trust(warehouse: Warehouse, server: FakeServer) -> None:
    for text, _ in everything(warehouse, server):
        assert not re.search(r"\bMERGE\b|IGNORE_DUP_KEY|\bBULK\b|\bNTEXT\b|\bVARCHAR\b", text, re.IGNORECASE), text


def test_pymssql_fills_every_placeholder_and_nothing_else(warehouse: Warehouse, server: FakeServer) -> None:
    planted = "50%s 100%% %d ' N'' \u00e9"
    for text, parameters in everything(warehouse, server):
        if not parameters:
            assert "%" not in text
            continue
        if isinstance(parameters, dict):
            filled = _mssql.substitute_params(text, dict.fromkeys(parameters, planted), "utf-8")
        else:
            assert text.count("%s") == len(parameters)
            filled = _mssql.substitute_params(text, (planted,) * len(parameters), "utf-8")
        literal = "N'" + planted.replace("'", "''") + "'"
        rest = filled.decode("utf-8").replace(literal, "")
        assert "%" not in rest


def test_connections_come_from_the_providers_hook_with_its_extras(warehouse: Warehouse, server: FakeServer) -> None:
    warehouse.transact("look", lambda connection: connection.exec_driver_sql("SELECT 1").all(), write=False)
    assert server.connects[-1] == {
        "server": "db.example",
        "user": "loader",
        "password": "secret",
        "database": "lending",
        "port": "1433",
        "tds_version": "7.4",
        "login_timeout": 5,
    }
    texts = [text for text, _ in server.statements]
    assert texts[-2:] == [mssql_server.SESSION_SETUP, "SELECT 1"]
    assert "autocommit False" in server.events
    assert server.events[-2:] == ["commit", "close"]


def test_tables_stand_in_the_schema_of_the_warehouse(warehouse: Warehouse, server: FakeServer) -> None:
    texts = [text for text, _ in everything(warehouse, server)]
    for start in ("INSERT INTO [stage].[person]", "DELETE FROM [stage].[address]", "UPDATE stage.headrace_batches"):
        assert any(text.startswith(start) for text in texts), start


def test_tables_that_name_a_schema_stand_there_with_their_foreign_keys_and_its_creation_comes_first(
    warehouse: Warehouse, server: FakeServer
) -> None:
    texts = [text.strip() for text, _ in everything(warehouse, server)]
    for start in (
        "INSERT INTO [mart].[person]",
        "DELETE FROM [mart].[address] WHERE [contact_id] IN (SELECT [contact_id] FROM [mart].[contact]",
        "SET IDENTITY_INSERT [mart].[numbered] ON",
        "SET IDENTITY_INSERT [stage].[numbered] ON",
    ):
        assert any(text.startswith(start) for text in texts), start
    assert any("REFERENCES mart.contact (contact_id)" in text for text in texts)
    assert any(re.search(r"FROM mart\.address JOIN mart\.contact", text.replace("\n", "")) for text in texts)
    created = [text.split("(")[0].strip() for text in texts if text.startswith("CREATE")]
    assert created.index("CREATE SCHEMA mart") < created.index("CREATE TABLE mart.person")


def test_tables_of_one_name_in_two_schemas_do_not_share_texts_or_what_is_known_of_their_identity(
    warehouse: Warehouse, server: FakeServer
) -> None:
    insert_numbered(warehouse, "left", "right", "left")
    places = [text.partition("[numbered]")[0] for text, _ in server.statements if text.startswith("INSERT")]
    assert places == ["INSERT INTO [left].", "INSERT INTO [right].", "INSERT INTO [left]."]
    asked = [parameters for text, parameters in server.statements if text == mssql.HAS_IDENTITY]
    assert asked == [("[left].[numbered]",), ("[right].[numbered]",)]


def test_a_schema_that_cannot_be_created_is_named_with_the_fix_before_any_table_is_made(
    warehouse: Warehouse, server: FakeServer
) -> None:
    server.fail = ("CREATE SCHEMA", pymssql.OperationalError(262, b"planted"))
    with pytest.raises(SettingsError, match=r"schema mart is not there .*262.*create it, and let") as caught:
        ensure_tables(warehouse, [table.table for table in people(schema="mart").tables])
    assert "planted" not in str(caught.value)
    assert not any("CREATE TABLE" in text for text, _ in server.statements)


def test_a_schema_that_another_task_creates_meanwhile_is_no_fault(
    warehouse: Warehouse, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(text: str, parameters: Any) -> Answer | None:
        if text == mssql.SCHEMA_ID and any("CREATE SCHEMA" in sent for sent, _ in server.statements):
            server.schemas = ["mart"]
        return FakeServer.answer(server, text, parameters)

    monkeypatch.setattr(server, "answer", overtaken)
    server.fail = ("CREATE SCHEMA", pymssql.OperationalError(2714, b"planted"))
    with pytest.raises(SettingsError, match=r"mart\.person: declared, not found"):  # the fake server has no tables
        ensure_tables(warehouse, [table.table for table in people(schema="mart").tables])
    assert any("CREATE TABLE mart.person" in text for text, _ in server.statements)


def test_values_of_an_identity_are_inserted_where_the_table_has_one_and_the_switch_goes_off_again(
    warehouse: Warehouse, server: FakeServer
) -> None:
    insert_numbered(warehouse)
    starts = [text.split(" (")[0] for text, _ in server.statements if "numbered" in text]
    switch, insert = "SET IDENTITY_INSERT [stage].[numbered]", "INSERT INTO [stage].[numbered]"
    assert starts == [f"{switch} ON", insert, f"{switch} OFF"]
    server.statements.clear()
    server.has_identity = 0
    insert_numbered(warehouse)
    assert [text.split(" (")[0] for text, _ in server.statements if "numbered" in text] == [insert]


def test_the_switch_for_identities_goes_off_after_a_refused_insert_too(
    warehouse: Warehouse, server: FakeServer
) -> None:
    server.fail = ("INSERT INTO [stage].[numbered]", pymssql.IntegrityError(2627, b"planted"))
    with pytest.raises(FatalError, match="2627"):
        insert_numbered(warehouse)
    assert server.statements[-1][0] == "SET IDENTITY_INSERT [stage].[numbered] OFF"


def test_a_whole_commit_is_one_transaction(warehouse: Warehouse, server: FakeServer) -> None:
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")
    server.events.clear()
    sink = WarehouseSink(warehouse, cycle, people())
    sink.commit(InsertBatch(1, [written(1), written(2), rejected(3)], 3))
    assert [event for event in server.events if event in ("commit", "rollback")] == ["commit"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pymssql.OperationalError(1205, b"planted"), TransientError),
        (pymssql.OperationalError((1222, b"planted")), TransientError),
        (pymssql.OperationalError(40613, b"planted"), TransientError),
        (pymssql.OperationalError(20003, b"planted"), TransientError),
        (pymssql.OperationalError(20047, b"planted"), TransientError),
        (pymssql.InterfaceError("Connection is closed: planted."), TransientError),
        (pymssql.ProgrammingError(102, b"planted"), FatalError),
        (pymssql.ProgrammingError(208, b"planted"), FatalError),
        (pymssql.OperationalError(229, b"planted"), FatalError),
    ],
)
def test_errors_are_classed_by_number_and_keep_their_text(
    warehouse: Warehouse, server: FakeServer, error: Exception, kind: type[Exception]
) -> None:
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")
    sink = WarehouseSink(warehouse, cycle, people())
    server.fail = ("INSERT INTO [stage].[person]", error)
    with pytest.raises(kind) as caught:
        sink.commit(InsertBatch(1, [written(1)], 1))
    assert "planted" not in str(caught.value) + str(caught.value.__context__) + str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (2627, "unique"),
        (2601, "unique"),
        (547, "reference_or_check"),
        (515, "not_null"),
        (2628, "value"),
        (8115, "value"),
    ],
)
def test_constraints_become_rejects_of_their_records(
    warehouse: Warehouse, server: FakeServer, number: int, code: str
) -> None:
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")
    sink = WarehouseSink(warehouse, cycle, people())
    server.fail = ("INSERT INTO [stage].[person]", pymssql.IntegrityError(number, b"planted"))
    receipt = sink.commit(InsertBatch(1, [written(1), written(2)], 2))
    assert (receipt.written, receipt.rejected) == (0, 2)
    rows = next(json.loads(p[0]) for text, p in server.statements if "[headrace_rejects]" in text and "@rows" in text)
    assert [row[5] for row in rows] == [f"constraint.{code}"] * 2
    assert "planted" not in str(server.statements)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (sa.String(5), "nvarchar(max)"),
        (sa.Text(), "nvarchar(max)"),
        (sa.Numeric(38, 4), "decimal(38, 4)"),
        (sa.DateTime(), "datetime2(6)"),
        (sa.DateTime(timezone=True), "datetimeoffset(6)"),
        (sa.LargeBinary(), "varbinary(max)"),
        (sa.Float(), "float"),
        (sa.Boolean(), "bit"),
        (sa.BigInteger(), "bigint"),
        (sa.Uuid(), "uniqueidentifier"),
    ],
)
def test_shredding_never_narrows(type_: sa.types.TypeEngine[Any], text: str) -> None:
    table = Target(
        "t", "id", [sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("v", type_))]
    )
    assert shred_type(table.table("t").c.v.type) == text


def test_rows_are_split_by_size_and_a_large_row_travels_alone() -> None:
    large = "x" * (CHUNK_BYTES // 2)
    chunks = list(json_chunks([(1, "a"), (2, large), (3, "b"), (4, "c")]))
    assert [[row[0] for row in json.loads(chunk)] for chunk in chunks] == [[1], [2], [3, 4]]


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", "'"])
def test_a_statement_is_as_large_as_it_travels_whatever_the_letters(letter: str) -> None:
    rows = [(key, letter * 100_000) for key in range(100)]
    chunks = list(json_chunks(rows))
    assert [row for chunk in chunks for row in json.loads(chunk)] == [list(row) for row in rows]
    as_sent = [len(f"N'{chunk.replace(chr(39), 2 * chr(39))}'".encode("utf-16-le")) for chunk in chunks]
    assert len(chunks) > 1
    assert max(as_sent) <= CHUNK_BYTES + 100
    assert wire_bytes(chunks[0]) == as_sent[0] - 6


def test_a_statement_has_no_more_rows_than_locks_that_leave_the_table_to_readers() -> None:
    assert [len(json.loads(chunk)) for chunk in json_chunks([(1,)] * (CHUNK_ROWS + 1))] == [CHUNK_ROWS, 1]


LONGEST = "\x01" * 196
"""As large as JSON makes a key: six letters of each."""


@pytest.mark.parametrize("keys", [range(100_000), [f"{LONGEST}{number:04}" for number in range(10_000)]])
def test_keys_travel_in_statements_of_bounded_size_and_number_and_parents_go_after_all_children(
    warehouse: Warehouse, server: FakeServer, keys: Sequence[Key]
) -> None:
    paths = [table.delete_path for table in reversed(people().tables)]
    loader = MssqlLoader(warehouse.qualify)
    server.statements.clear()
    warehouse.transact("delete", lambda c: loader.delete(c, paths, list(keys)))
    deletes = [(text, parameters[0]) for text, parameters in server.statements if text.startswith("DELETE")]
    assert max(len(json.loads(chunk)) for _, chunk in deletes) <= CHUNK_ROWS
    assert max(wire_bytes(chunk) for _, chunk in deletes) <= CHUNK_BYTES + 100
    deleted = {
        path.table: [
            key
            for text, chunk in deletes
            if text.startswith(f"DELETE FROM [stage].[{path.table}] WHERE")
            for (key,) in json.loads(chunk)
        ]
        for path in paths
    }
    assert deleted == {path.table: list(keys) for path in paths}
    order = [text.split("[stage].[")[1].split("]")[0] for text, _ in deletes]
    assert list(dict.fromkeys(order)) == [path.table for path in paths]
    assert order == sorted(order, key=[path.table for path in paths].index)


def test_lines_of_more_keys_than_a_statement_takes_are_all_found(
    warehouse: Warehouse, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(text: str, parameters: Any) -> Answer | None:
        if "[headrace_records] AS t" in text:
            return ["record_key"], [(key,) for (key,) in json.loads(parameters[2])]
        return FakeServer.answer(server, text, parameters)

    monkeypatch.setattr(server, "answer", echo)
    loader, keys = MssqlLoader(warehouse.qualify), [str(key) for key in range(2 * CHUNK_ROWS + 1)]
    found = warehouse.transact("look", lambda c: loader.select(c, records, ["record_key"], ("p", "t"), keys))
    assert [key for (key,) in found] == keys


def test_a_list_of_keys_is_stored_in_a_statement_a_chunk(warehouse: Warehouse, server: FakeServer) -> None:
    store_keys(warehouse, "list", [*range(1500), "a"])
    inserted = [p[0] for text, p in server.statements if text.startswith("INSERT INTO [stage].[headrace_key_lists]")]
    assert [len(json.loads(rows)) for rows in inserted] == [1000, 501]
    assert json.loads(inserted[1])[-2:] == [["list", 1499, "1499", 1], ["list", 1500, "a", 0]]


def test_a_commit_locks_the_lines_that_it_judges_and_a_reader_locks_none(
    warehouse: Warehouse, server: FakeServer
) -> None:
    WarehouseMemory(warehouse, "toy", "people", 41).prior([1, 2])
    cycle = Ledger(warehouse).claim(attempt(), batch(), "print")
    WarehouseSink(warehouse, cycle, people()).commit(InsertBatch(1, [written(1)], 1))
    looks = [text for text, _ in server.statements if "FROM [stage].[headrace_records] AS t" in text]
    assert ["WITH (UPDLOCK, HOLDLOCK)" in text for text in looks if text.startswith("SELECT")] == [False, True]


def test_names_of_tables_are_the_servers_to_compare_in_a_database_of_any_collation() -> None:
    for text in (mssql.COLUMNS_OF, mssql.PRIMARY_KEYS_OF, mssql.FOREIGN_KEYS_IN):
        assert not re.search(r"\b(s|t|name)\b\)? = |= \w+\.name\b|= SCHEMA_NAME", text)
        assert "t.object_id = OBJECT_ID(QUOTENAME(j.s) + N'.' + QUOTENAME(j.t))" in text


def test_house_tables_keep_within_the_key_bytes_of_sql_server() -> None:
    for table in metadata.tables.values():
        text = sum(2 * c.type.length for c in table.primary_key if isinstance(c.type, sa.Unicode) and c.type.length)
        assert text <= 900, table.name


def test_ddl_of_a_target_numbers_nothing_by_itself() -> None:
    ddl = str(CreateTable(people().table("person")).compile(dialect=mssql_types.dialect()))
    assert "IDENTITY" not in ddl
    assert "NVARCHAR(50)" in ddl
