"""Creates what is declared and missing, and compares what is there, before anything is loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from include.engine.errors import FatalError, SettingsError
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.found_tables import (
    FoundTable,
    declared_type,
    find_tables,
    foreign_keys_into,
    missing_schemas,
)
from include.warehouse.loaders.mssql import PROBE
from include.warehouse.neighbours import mixed_schemas, outside_keys
from include.warehouse.retired import children_first, known_paths, remember_tables
from include.warehouse.table_name import TableName
from include.warehouse.tables import metadata as house
from include.warehouse.tables import target_tables
from include.warehouse.target import Target
from include.warehouse.target_faults import parents_first

log = logging.getLogger(__name__)

_Found = Mapping[TableName, FoundTable]
"""Tables that exist, by the names that were asked for."""


def prepare(warehouse: Warehouse, pipeline: str, target: Target) -> list[DeletePath]:
    """Make the warehouse ready for a target; returns how to delete from its retired tables, children first.

    Creates what is missing, the target's schema too (unless the warehouse's `create_tables` is off), and raises one
    `SettingsError` that lists every difference. Safe to call from many tasks at once.
    """
    _check_server(warehouse)
    house_tables = parents_first(list(house.tables.values()))
    ensure_tables(warehouse, [*house_tables, *(table.table for table in target.tables)])
    retired = _register(warehouse, pipeline, target)
    if fault := outside_keys(warehouse, target, retired):
        raise SettingsError(f"target {target.name}: {fault}")
    return retired


def compare(warehouse: Warehouse, pipeline: str, target: Target) -> list[str]:
    """What `prepare` would refuse, and the target's tables that it would have to create; changes nothing.

    Somebody waits for the answer: a database that does not give one is `TransientError` or `FatalError` at once.
    """
    warehouse.connect().close()
    _check_server(warehouse)
    own = list(house.tables.values())
    declared = [table.table for table in target.tables]

    def look(connection: sa.Connection) -> tuple[_Found, list[DeletePath], list[str | None]]:
        found = find_tables(warehouse, connection, [TableName.of(table) for table in (*own, *declared)])
        schemas = missing_schemas(warehouse, connection, [TableName.of(table) for table in declared])
        faults: list[str | None] = [f"schema {schema}: declared, not found" for schema in schemas]
        if TableName.of(target_tables) not in found:
            return found, [], faults
        faults.append(mixed_schemas(warehouse, connection, pipeline, target))
        known = known_paths(warehouse, connection, pipeline, target.name)
        return found, _retired(warehouse, connection, target, known), faults

    found, retired, faults = warehouse.transact("look at the tables", look, write=False)
    # The house's own tables come with the first run: where they are missing, no declaration is wrong.
    tables = [*(table for table in own if TableName.of(table) in found), *declared]
    faults += [*_differences(warehouse, tables, found), outside_keys(warehouse, target, retired)]
    return [fault for fault in faults if fault]


def ensure_tables(warehouse: Warehouse, tables: Sequence[sa.Table]) -> None:
    """Create or compare, parents first."""
    names = [TableName.of(table) for table in tables]

    def look(connection: sa.Connection) -> tuple[_Found, list[str]]:
        found = find_tables(warehouse, connection, names)
        return found, missing_schemas(warehouse, connection, [name for name in names if name not in found])

    found, schemas = warehouse.transact("look at the tables", look, write=False)
    absent = [table for table in tables if TableName.of(table) not in found]
    if absent and not warehouse.create_tables:
        missing = [*(f"schema {schema}" for schema in schemas), *_places(warehouse, absent)]
        raise SettingsError(f"tables are missing and creating them is switched off: {', '.join(missing)}")
    # First what is there: a table that differs can make creating the others fail.
    _compare(warehouse, [table for table in tables if TableName.of(table) in found], found)
    for schema in schemas:
        _create_schema(warehouse, schema)
    for table in absent:
        _create(warehouse, table)
    if absent:
        # Another task may have created them meanwhile, from another declaration.
        _compare(warehouse, absent, warehouse.transact("look at the tables", look, write=False)[0])


def _places(warehouse: Warehouse, tables: Sequence[sa.Table]) -> list[str]:
    return [str(warehouse.place(TableName.of(table))) for table in tables]


def _compare(warehouse: Warehouse, tables: Sequence[sa.Table], found: _Found) -> None:
    if faults := _differences(warehouse, tables, found):
        raise SettingsError("tables are not as declared: " + "; ".join(faults))


def _differences(warehouse: Warehouse, tables: Sequence[sa.Table], found: _Found) -> list[str]:
    dialect, named = warehouse.engine.dialect, zip(_places(warehouse, tables), tables, strict=True)
    return [
        fault for name, table in named for fault in differences(name, table, found.get(TableName.of(table)), dialect)
    ]


def differences(name: str, declared: sa.Table, found: FoundTable | None, dialect: sa.Dialect) -> Iterator[str]:
    """Each names both sides, and the table as `name`. Foreign keys and indexes are not compared."""
    if found is None:
        yield f"{name}: declared, not found"
        return
    for column in declared.columns:
        place, there = f"{name}.{column.name}", found.columns.get(column.name)
        wanted = declared_type(column, dialect)
        if there is None:
            yield f"{place}: declared {wanted}, not found"
            continue
        if there.type_text != wanted:
            yield f"{place}: declared {wanted}, found {there.type_text}"
        if there.nullable != bool(column.nullable):
            yield f"{place}: declared {_nullable(column.nullable)}, found {_nullable(there.nullable)}"
    for extra in found.columns.keys() - declared.columns.keys():
        # Replacing a record would silently empty it.
        yield f"{name}.{extra}: not declared, found {found.columns[extra].type_text}"
    key = tuple(column.name for column in declared.primary_key)
    if key != found.primary_key:
        yield f"{name}: declared primary key ({', '.join(key)}), found ({', '.join(found.primary_key)})"


def _nullable(nullable: bool | None) -> str:
    return "NULL" if nullable else "NOT NULL"


def _create_schema(warehouse: Warehouse, schema: str) -> None:
    """Another task may do the same at this moment: who comes second finds the schema there."""

    def create(connection: sa.Connection) -> None:
        connection.execute(CreateSchema(schema))

    def look(connection: sa.Connection) -> list[str]:
        return missing_schemas(warehouse, connection, [TableName(schema, "")])

    try:
        warehouse.transact(f"create schema {schema}", create)
    except FatalError as error:
        if warehouse.transact("look at the schema", look, write=False):
            fix = "create it, and let the connection's login create tables in it"
            raise SettingsError(f"schema {schema} is not there and could not be created ({error}): {fix}") from None


def _create(warehouse: Warehouse, table: sa.Table) -> None:
    """Another task may do the same at this moment: who comes second finds the table there."""
    name = TableName.of(table)

    def create(connection: sa.Connection) -> None:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))

    def look(connection: sa.Connection) -> bool:
        return name in find_tables(warehouse, connection, [name])

    try:
        warehouse.transact(f"create table {name}", create)
    except FatalError:
        if not warehouse.transact("look at the tables", look, write=False):
            raise


def _check_server(warehouse: Warehouse) -> None:
    if warehouse.name != "mssql":
        return

    def probe(connection: sa.Connection) -> tuple[Any, ...]:
        return tuple(connection.exec_driver_sql(PROBE).one())

    try:
        answer = warehouse.transact("probe OPENJSON", probe, write=False)
    except FatalError as error:
        raise SettingsError(
            f"the database cannot OPENJSON: compatibility level 130 or more is needed ({error})"
        ) from None
    if answer != (1, "\n"):
        log.warning(
            "this server does not decode escapes in JSON as SQL Server does: line ends and quotes will be wrong"
        )


def _register(warehouse: Warehouse, pipeline: str, target: Target) -> list[DeletePath]:
    def work(connection: sa.Connection) -> list[DeletePath]:
        # Before it is registered: the other target is in the right.
        if fault := mixed_schemas(warehouse, connection, pipeline, target):
            raise SettingsError(f"target {target.name}: {fault}")
        known = known_paths(warehouse, connection, pipeline, target.name)
        paths = {warehouse.place(table.full_name): table.delete_path for table in target.tables}
        fresh = {place: path for place, path in paths.items() if known.get(place) != path}
        remember_tables(connection, pipeline, target.name, fresh, utc_now())
        return _retired(warehouse, connection, target, known)

    return warehouse.transact("register the target's tables", work)


def _retired(
    warehouse: Warehouse, connection: sa.Connection, target: Target, known: Mapping[TableName, DeletePath]
) -> list[DeletePath]:
    """Ways into tables that are there and that earlier declarations of the target filled, children first."""
    today = {warehouse.place(table.full_name).folded for table in target.tables}
    # Another spelling is no other table: its rows would be deleted before those of the children that it has today.
    dropped = [path for place, path in known.items() if place.folded not in today]
    found = find_tables(warehouse, connection, sorted({name for path in dropped for name in path.tables}, key=str))
    # Without a parent on its way, no key leads to the rows any more.
    there = [path for path in dropped if all(name in found for name in path.tables)]
    keys = foreign_keys_into(warehouse, connection, [path.name for path in there])
    return children_first(there, keys, warehouse.place)
