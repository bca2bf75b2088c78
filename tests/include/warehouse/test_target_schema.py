"""A target whose tables name a schema: apart from the house tables on SQL Server, without it on SQLite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from include.engine.errors import SettingsError
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run
from include.warehouse.schema import compare, prepare
from include.warehouse.target import IDENTITY_INSERT, Target
from include.warehouse.vanished import settle_vanished
from include.warehouse.verify import verify
from tests.include.warehouse.toy_people import Loading, execute, fetch, people, rejected, written

Load = Callable[..., Loading]
NewSchema = Callable[[], str]

only_mssql = pytest.mark.parametrize("warehouse", [pytest.param("mssql", marks=pytest.mark.mssql)], indirect=True)
only_sqlite = pytest.mark.parametrize("warehouse", ["sqlite"], indirect=True)


def stands(warehouse: Warehouse, schema: str) -> str:
    """Before a table's name, in a statement of the test."""
    return f"[{schema}]." if warehouse.dialect.has_schemas else ""


def names(warehouse: Warehouse, schema: str) -> list[str]:
    """Of persons, in key order."""
    return [
        name for (name,) in fetch(warehouse, f"SELECT name FROM {stands(warehouse, schema)}person ORDER BY person_id")
    ]


def tables_of(warehouse: Warehouse, schema: str | None) -> list[str]:
    with warehouse.connect() as connection:
        return sorted(sa.inspect(connection).get_table_names(schema if warehouse.dialect.has_schemas else None))


def test_a_target_is_created_in_its_schema_and_found_there_and_the_house_tables_stay_where_they_were(
    warehouse: Warehouse, new_schema: NewSchema
) -> None:
    schema, tables = new_schema(), ["address", "contact", "person"]
    place = f"{schema}." if warehouse.name == "mssql" else ""
    missing = [f"{place}{name}: declared, not found" for name in ("person", "contact", "address")]
    missing = [f"schema {schema}: declared, not found", *missing] if place else missing
    assert compare(warehouse, "toy", people(schema=schema)) == missing
    for _ in range(2):
        assert prepare(warehouse, "toy", people(schema=schema)) == []
    assert compare(warehouse, "toy", people(schema=schema)) == []
    house = [name for name in tables_of(warehouse, None) if name.startswith("headrace_")]
    assert len(house) == 6
    assert tables_of(warehouse, schema) == (tables if place else sorted([*house, *tables]))
    assert tables_of(warehouse, None) == (house if place else sorted([*house, *tables]))


def test_records_are_loaded_replaced_rejected_verified_and_removed_in_the_schema(
    warehouse: Warehouse, load: Load, new_schema: NewSchema
) -> None:
    schema = new_schema()
    target = people(schema=schema)
    load(target).commit(written(1, contacts=3), written(2), written(3), written(4))
    load(target, run_id="run 2").commit(written(1, "Grace"), rejected(2), written(3, line="forbidden"))
    assert names(warehouse, schema) == ["Grace", "Ada"]
    assert verify(warehouse, "toy", target) == []
    execute(warehouse, f"DELETE FROM {stands(warehouse, schema)}address WHERE contact_id = '4-0'")
    assert [difference.key for difference in verify(warehouse, "toy", target)] == ["4"]
    assert settle_vanished(warehouse, Run("toy", "people", "toy_dag", "run 2"), target, "remove") == 1
    assert names(warehouse, schema) == ["Grace"]
    table = target.table("address")
    counted = sa.select(sa.func.count()).select_from(table)
    assert fetch(warehouse, counted) == [(2,)]


def test_rows_that_are_refused_cost_only_their_records(warehouse: Warehouse, load: Load, new_schema: NewSchema) -> None:
    schema = new_schema()
    loading = load(people(schema=schema))
    receipt = loading.commit(*(written(key, line="forbidden" if key == 3 else "here") for key in range(1, 6)))
    assert (receipt.written, receipt.rejected) == (4, 1)
    assert verify(warehouse, "toy", loading.target) == []


def test_a_target_that_moves_takes_the_records_along_that_it_replaces(
    warehouse: Warehouse, load: Load, new_schema: NewSchema
) -> None:
    schema = new_schema()
    load(people()).commit(written(1), written(2))
    moved = load(people(schema=schema), run_id="run 2")
    moved.commit(written(1, "Grace"))
    if warehouse.name == "mssql":
        assert [str(path.name) for path in moved.retired] == ["address", "contact", "person"]
        assert (names(warehouse, schema), fetch(warehouse, "SELECT person_id FROM person")) == (["Grace"], [(2,)])
    else:
        assert (moved.retired, names(warehouse, schema)) == ([], ["Grace", "Ada"])
    back = load(people(), run_id="run 3")
    back.commit(written(1, "Ruth"))
    assert fetch(warehouse, "SELECT name FROM person ORDER BY person_id") == [("Ruth",), ("Ada",)]
    assert verify(warehouse, "toy", people()) == []


def test_a_table_that_is_only_spelled_in_another_way_is_not_retired(
    warehouse: Warehouse, load: Load, new_schema: NewSchema
) -> None:
    schema = new_schema()
    load(people(schema=schema)).commit(written(1))
    again = load(people(schema=schema.upper()), run_id="run 2")
    assert again.retired == []
    again.commit(written(1, "Grace"))
    assert names(warehouse, schema) == ["Grace"]


@only_mssql
def test_the_connections_own_schema_is_the_same_place_whether_it_is_named_or_not(
    warehouse: Warehouse, load: Load
) -> None:
    load(people()).commit(written(1))
    ((own,),) = fetch(warehouse, "SELECT SCHEMA_NAME()")
    named = load(people(schema=own), run_id="run 2")
    assert named.retired == []
    named.commit(written(1, "Grace"))
    assert fetch(warehouse, "SELECT name FROM person") == [("Grace",)]
    assert compare(warehouse, "toy", people(schema=own)) == []


@only_mssql
def test_two_targets_of_the_same_tables_in_two_schemas_do_not_meet(
    warehouse: Warehouse, load: Load, new_schema: NewSchema
) -> None:
    first, second = new_schema(), new_schema()
    load(people(schema=first, name="first")).commit(written(1), written(2))
    load(people(schema=second, name="second")).commit(written(1, "Grace"))
    load(people(schema=second, name="second"), run_id="run 2").commit(rejected(1))
    assert (names(warehouse, first), names(warehouse, second)) == (["Ada", "Ada"], [])
    assert verify(warehouse, "toy", people(schema=first, name="first")) == []


@only_sqlite
def test_where_there_are_no_schemas_two_targets_of_the_same_table_in_two_schemas_are_refused(
    warehouse: Warehouse, load: Load
) -> None:
    load(people(schema="left", name="first")).commit(written(1))
    part = "address is also that of target first, contact is also that of target first, person is also that of target"
    for schema in ("right", None):
        target = people(schema=schema, name="second")
        (fault,) = compare(warehouse, "toy", target)
        assert fault.startswith(part)
        assert fault.endswith("sqlite has none to keep them apart: load one of the two into another database")
        with pytest.raises(SettingsError, match="target second: address is also"):
            prepare(warehouse, "toy", target)
    # Neither the first target nor one that fills the same tables on purpose is disturbed.
    prepare(warehouse, "toy", people(schema="left", name="second"))
    prepare(warehouse, "toy", people(schema="left", name="first"))


@only_mssql
def test_differences_are_those_of_the_table_in_the_schema_and_name_it(
    warehouse: Warehouse, new_schema: NewSchema
) -> None:
    schema = new_schema()
    # In the connection's own schema a table of this name is somebody else's.
    execute(warehouse, "CREATE TABLE person (something INT NULL)")
    prepare(warehouse, "toy", people(schema=schema))
    execute(warehouse, f"ALTER TABLE [{schema}].person ADD more INT NULL")
    assert compare(warehouse, "toy", people(schema=schema)) == [f"{schema}.person.more: not declared, found INTEGER"]
    with pytest.raises(SettingsError, match=rf"{schema}\.person\.more: not declared"):
        prepare(warehouse, "toy", people(schema=schema))


@only_mssql
def test_foreign_keys_from_other_schemas_are_outside_whatever_their_tables_are_called(
    warehouse: Warehouse, new_schema: NewSchema
) -> None:
    schema, other = new_schema(), new_schema()
    prepare(warehouse, "toy", people(schema=schema))
    execute(
        warehouse,
        f"CREATE SCHEMA [{other}]",
        f"CREATE TABLE [{other}].person (person_id BIGINT NOT NULL PRIMARY KEY)",
        f"CREATE TABLE [{other}].invoice (person_id BIGINT NOT NULL REFERENCES [{other}].person (person_id))",
    )
    assert compare(warehouse, "toy", people(schema=schema)) == []
    execute(
        warehouse,
        f"CREATE TABLE [{other}].contact (person_id BIGINT NOT NULL REFERENCES [{schema}].person (person_id))",
    )
    with pytest.raises(SettingsError, match=rf"{other}\.contact to {schema}\.person"):
        prepare(warehouse, "toy", people(schema=schema))


@only_mssql
def test_foreign_keys_of_the_target_lead_to_tables_of_its_schema(warehouse: Warehouse, new_schema: NewSchema) -> None:
    schema = new_schema()
    prepare(warehouse, "toy", people(name="own"))
    prepare(warehouse, "toy", people(schema=schema))
    found = fetch(
        warehouse,
        "SELECT c.name, t.name, SCHEMA_NAME(t.schema_id) FROM sys.foreign_keys AS f "
        "INNER JOIN sys.tables AS c ON c.object_id = f.parent_object_id "
        "INNER JOIN sys.tables AS t ON t.object_id = f.referenced_object_id "
        f"WHERE SCHEMA_NAME(c.schema_id) = '{schema}'",
    )
    assert sorted(found) == [("address", "contact", schema), ("contact", "person", schema)]


@only_mssql
def test_with_creating_off_schema_and_tables_are_listed_and_none_is_made(
    warehouse: Warehouse, new_schema: NewSchema
) -> None:
    schema = new_schema()
    prepare(warehouse, "toy", people())
    warehouse.create_tables = False
    listed = rf"switched off: schema {schema}, {schema}\.person, {schema}\.contact, {schema}\.address$"
    with pytest.raises(SettingsError, match=listed):
        prepare(warehouse, "toy", people(schema=schema))
    assert fetch(warehouse, f"SELECT COUNT(*) FROM sys.schemas WHERE name = '{schema}'") == [(0,)]


@only_mssql
def test_an_identity_is_looked_for_in_the_tables_own_schema(
    warehouse: Warehouse, load: Load, new_schema: NewSchema
) -> None:
    schema = new_schema()
    column = sa.Column("person_id", sa.BigInteger, primary_key=True), sa.Column("name", sa.String(50))
    table = sa.Table("person", sa.MetaData(schema=schema), *column, info={IDENTITY_INSERT: True})
    execute(
        warehouse,
        f"CREATE SCHEMA [{schema}]",
        f"CREATE TABLE [{schema}].person (person_id BIGINT IDENTITY NOT NULL PRIMARY KEY, name NVARCHAR(50) NULL)",
        "CREATE TABLE person (person_id BIGINT NOT NULL PRIMARY KEY, name NVARCHAR(50) NULL)",
    )
    settlement = written(41)
    settlement.rows = {"person": [(41, "Ada")]}
    assert load(Target("people", "person_id", [table])).commit(settlement).written == 1
    assert fetch(warehouse, f"SELECT person_id, name FROM [{schema}].person") == [(41, "Ada")]
