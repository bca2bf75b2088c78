from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.engine.errors import SettingsError, TransientError
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.found_tables import catalog_type, normal_type
from include.warehouse.schema import compare, prepare
from include.warehouse.target import Target
from tests.include.warehouse.test_type_matrix import GOOD
from tests.include.warehouse.toy_people import Loading, execute, people


def test_created_tables_are_found_as_declared_by_the_next_task(warehouse: Warehouse) -> None:
    metadata = sa.MetaData()
    columns = [sa.Column(f"c{number}", type_) for number, (type_, _) in enumerate(GOOD)]
    wide = Target(
        "wide", "id", [sa.Table("wide", metadata, sa.Column("id", sa.BigInteger, primary_key=True), *columns)]
    )
    for target in (people(), wide, people(), wide):
        assert prepare(warehouse, target.name, target) == []


def test_every_difference_is_named_with_both_sides(warehouse: Warehouse) -> None:
    integer = "INTEGER" if warehouse.name == "sqlite" else "INT"
    execute(
        warehouse,
        f"CREATE TABLE person (person_id BIGINT NOT NULL, name {integer} NULL, extra {integer} NULL)",
    )
    with pytest.raises(SettingsError) as caught:
        prepare(warehouse, "toy", people())
    message = str(caught.value)
    text = "VARCHAR(50)" if warehouse.name == "sqlite" else "NVARCHAR(50)"
    for part in (
        f"person.name: declared {text}, found INTEGER",
        f"person.email: declared {text}, not found",
        "person.extra: not declared, found INTEGER",
        "person: declared primary key (person_id), found ()",
    ):
        assert part in message


def test_a_numeric_that_sqlite_would_keep_as_a_float_is_a_difference(tmp_path: Path) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db")
    execute(warehouse, "CREATE TABLE loan (id INTEGER NOT NULL PRIMARY KEY, amount NUMERIC(12,2))")
    table = sa.Table(
        "loan", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("amount", sa.Numeric(12, 2))
    )
    with pytest.raises(SettingsError, match=r"loan\.amount: declared NUMERIC_TEXT\(12, 2\), found NUMERIC\(12, 2\)"):
        prepare(warehouse, "toy", Target("loans", "id", [table]))


def test_with_creating_off_the_missing_tables_are_listed_at_once(tmp_path: Path) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db", create_tables=False)
    with pytest.raises(SettingsError, match=r"switched off: headrace_runs, .*person, contact, address"):
        prepare(warehouse, "toy", people())


def test_tasks_that_start_at_once_may_all_create(tmp_path: Path) -> None:
    def start(_: int) -> list[object]:
        return list(prepare(sqlite_warehouse(tmp_path / "w.db"), "toy", people()))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(start, range(8))) == [[]] * 8


def test_a_foreign_key_into_the_target_from_outside_is_refused_by_name(warehouse: Warehouse) -> None:
    prepare(warehouse, "toy", people())
    execute(warehouse, "CREATE TABLE invoice (person_id BIGINT NOT NULL REFERENCES person (person_id))")
    with pytest.raises(SettingsError, match="invoice to person"):
        prepare(warehouse, "toy", people())


def test_retired_tables_come_back_children_first(warehouse: Warehouse, load: Callable[..., Loading]) -> None:
    load()
    person = people().table("person").to_metadata(sa.MetaData())
    retired = prepare(warehouse, "toy", Target("people", "person_id", [person]))
    assert [path.table for path in retired] == ["address", "contact"]
    execute(warehouse, "DROP TABLE address")
    assert [path.table for path in prepare(warehouse, "toy", Target("people", "person_id", [person]))] == ["contact"]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("varchar( 50 )", "VARCHAR(50)"),
        ("decimal(12,2)", "NUMERIC(12, 2)"),
        ("NVARCHAR(20) COLLATE Latin1_General_100_BIN2", "NVARCHAR(20)"),
        ("int", "INTEGER"),
        ("float(53)", "FLOAT"),
        ("DOUBLE PRECISION", "FLOAT"),
        ("datetime2(7)", "DATETIME2(6)"),
        ("datetime2(3)", "DATETIME2(3)"),
        ("nvarchar(max)", "NVARCHAR(MAX)"),
    ],
)
def test_spellings_of_one_type_are_one(text: str, normal: str) -> None:
    assert normal_type(text) == normal


@pytest.mark.parametrize(
    ("family", "max_bytes", "precision", "scale", "text"),
    [
        ("nvarchar", 100, 0, 0, "nvarchar(50)"),
        ("nvarchar", -1, 0, 0, "nvarchar(max)"),
        ("varbinary", -1, 0, 0, "varbinary(max)"),
        ("decimal", 9, 12, 2, "decimal(12, 2)"),
        ("datetimeoffset", 10, 34, 6, "datetimeoffset(6)"),
        ("bigint", 8, 19, 0, "bigint"),
    ],
)
def test_the_catalog_of_sql_server_is_spelt_as_ddl(
    family: str, max_bytes: int, precision: int, scale: int, text: str
) -> None:
    assert catalog_type(family, max_bytes, precision, scale) == text


def test_a_retired_table_that_no_key_leads_to_any_more_is_left_alone(tmp_path: Path) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db")
    prepare(warehouse, "toy", people())
    person = Target("people", "person_id", [people().table("person").to_metadata(sa.MetaData())])
    execute(warehouse, "DROP TABLE contact")
    assert prepare(warehouse, "toy", person) == []


def table_names(warehouse: Warehouse) -> list[str]:
    with warehouse.connect() as connection:
        return sorted(sa.inspect(connection).get_table_names())


def test_comparing_finds_nothing_where_a_run_has_prepared_and_creates_nothing_where_none_has(
    warehouse: Warehouse,
) -> None:
    names = ["person", "contact", "address"]
    assert compare(warehouse, "toy", people()) == [f"{name}: declared, not found" for name in names]
    assert table_names(warehouse) == []
    prepare(warehouse, "toy", people())
    assert compare(warehouse, "toy", people()) == []


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE person ADD more INTEGER",
        "ALTER TABLE headrace_batches DROP COLUMN marks",
        "CREATE TABLE invoice (person_id BIGINT REFERENCES person (person_id))",
    ],
)
def test_comparing_says_what_a_run_would_say(tmp_path: Path, damage: str) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db")
    prepare(warehouse, "toy", people())
    execute(warehouse, damage)
    (fault,) = compare(warehouse, "toy", people())
    with pytest.raises(SettingsError) as refused:
        prepare(warehouse, "toy", people())
    assert str(refused.value).endswith(f": {fault}")


def test_comparing_knows_the_tables_that_earlier_declarations_filled(
    warehouse: Warehouse, load: Callable[..., Loading]
) -> None:
    load()
    person = Target("people", "person_id", [people().table("person").to_metadata(sa.MetaData())])
    assert compare(warehouse, "toy", person) == []
    # To another pipeline they are foreign tables whose keys lead into its own.
    (fault,) = compare(warehouse, "other", person)
    assert fault.endswith("contact to person")


def test_comparing_does_not_wait_for_a_database_that_does_not_answer() -> None:
    calls: list[int] = []

    def refuse() -> sqlite3.Connection:
        calls.append(1)
        busy = sqlite3.OperationalError("no answer")
        busy.sqlite_errorcode = 10
        raise busy

    with pytest.raises(TransientError, match="connect"):
        compare(Warehouse("sqlite", refuse), "toy", people())
    assert len(calls) == 1
