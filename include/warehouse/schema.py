"""Creates what is declared and missing, and compares what is there, before anything is loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from include.engine.errors import FatalError, SettingsError
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.delete_path import DeletePath
from include.warehouse.found_tables import FoundTable, declared_type, find_tables, foreign_keys_into
from include.warehouse.loaders.mssql import PROBE
from include.warehouse.retired import children_first, known_paths, remember_tables
from include.warehouse.tables import metadata as house
from include.warehouse.tables import target_tables
from include.warehouse.target import Target
from include.warehouse.target_faults import parents_first

log = logging.getLogger(__name__)


def prepare(warehouse: Warehouse, pipeline: str, target: Target) -> list[DeletePath]:
    """Make the warehouse ready for a target; returns how to delete from its retired tables, children first.

    Creates what is missing (unless the warehouse's `create_tables` is off), and raises one
    `SettingsError` that lists every difference. Safe to call from many tasks at once.
    """
    _check_server(warehouse)
    house_tables = parents_first(list(house.tables.values()))
    ensure_tables(warehouse, [*house_tables, *(table.table for table in target.tables)])
    retired = _register(warehouse, pipeline, target)
    if fault := _outside_keys(warehouse, target, retired):
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

    def look(connection: sa.Connection) -> tuple[dict[str, FoundTable], list[DeletePath]]:
        found = find_tables(warehouse, connection, [table.name for table in (*own, *declared)])
        known = known_paths(connection, pipeline, target.name) if target_tables.name in found else {}
        return found, _retired(warehouse, connection, target, known)

    found, retired = warehouse.transact("look at the tables", look, write=False)
    # The house's own tables come with the first run: where they are missing, no declaration is wrong.
    tables = [*(table for table in own if table.name in found), *declared]
    fault = _outside_keys(warehouse, target, retired)
    return _differences(warehouse, tables, found) + ([fault] if fault else [])


def ensure_tables(warehouse: Warehouse, tables: Sequence[sa.Table]) -> None:
    """Create or compare, parents first."""
    names = [table.name for table in tables]

    def look(connection: sa.Connection) -> dict[str, FoundTable]:
        return find_tables(warehouse, connection, names)

    found = warehouse.transact("look at the tables", look, write=False)
    absent = [table for table in tables if table.name not in found]
    if absent and not warehouse.create_tables:
        missing = ", ".join(table.name for table in absent)
        raise SettingsError(f"tables are missing and creating them is switched off: {missing}")
    # First what is there: a table that differs can make creating the others fail.
    _compare(warehouse, [table for table in tables if table.name in found], found)
    for table in absent:
        _create(warehouse, table)
    if absent:
        # Another task may have created them meanwhile, from another declaration.
        _compare(warehouse, absent, warehouse.transact("look at the tables", look, write=False))


def _compare(warehouse: Warehouse, tables: Sequence[sa.Table], found: Mapping[str, FoundTable]) -> None:
    if faults := _differences(warehouse, tables, found):
        raise SettingsError("tables are not as declared: " + "; ".join(faults))


def _differences(warehouse: Warehouse, tables: Sequence[sa.Table], found: Mapping[str, FoundTable]) -> list[str]:
    dialect = warehouse.engine.dialect
    return [fault for table in tables for fault in differences(table, found.get(table.name), dialect)]


def differences(declared: sa.Table, found: FoundTable | None, dialect: sa.Dialect) -> Iterator[str]:
    """Each names both sides. Foreign keys and indexes are not compared."""
    if found is None:
        yield f"{declared.name}: declared, not found"
        return
    for column in declared.columns:
        place, there = f"{declared.name}.{column.name}", found.columns.get(column.name)
        wanted = declared_type(column, dialect)
        if there is None:
            yield f"{place}: declared {wanted}, not found"
            continue
        if there.type_text != wanted:
            yield f"{place}: declared {wanted}, found {there.type_text}"
        if there.nullable != bool(column.nullable):
            yield f"{place}: declared {_nullable(column.nullable)}, found {_nullable(there.nullable)}"
    for name in found.columns.keys() - declared.columns.keys():
        # Replacing a record would silently empty it.
        yield f"{declared.name}.{name}: not declared, found {found.columns[name].type_text}"
    key = tuple(column.name for column in declared.primary_key)
    if key != found.primary_key:
        yield f"{declared.name}: declared primary key ({', '.join(key)}), found ({', '.join(found.primary_key)})"


def _nullable(nullable: bool | None) -> str:
    return "NULL" if nullable else "NOT NULL"


def _create(warehouse: Warehouse, table: sa.Table) -> None:
    """Another task may do the same at this moment: who comes second finds the table there."""

    def create(connection: sa.Connection) -> None:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))

    def look(connection: sa.Connection) -> bool:
        return table.name in find_tables(warehouse, connection, [table.name])

    try:
        warehouse.transact(f"create table {table.name}", create)
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
        known = known_paths(connection, pipeline, target.name)
        paths = [table.delete_path for table in target.tables]
        fresh = [path for path in paths if known.get(path.table) != path]
        remember_tables(connection, pipeline, target.name, fresh, utc_now())
        return _retired(warehouse, connection, target, known)

    return warehouse.transact("register the target's tables", work)


def _retired(
    warehouse: Warehouse, connection: sa.Connection, target: Target, known: Mapping[str, DeletePath]
) -> list[DeletePath]:
    """Ways into tables that are there and that earlier declarations of the target filled, children first."""
    dropped = [known[name] for name in known.keys() - {table.name for table in target.tables}]
    found = find_tables(warehouse, connection, sorted({name for path in dropped for name in path.tables}))
    # Without a parent on its way, no key leads to the rows any more.
    there = [path for path in dropped if all(name in found for name in path.tables)]
    return children_first(there, foreign_keys_into(warehouse, connection, [path.table for path in there]))


def _outside_keys(warehouse: Warehouse, target: Target, retired: Sequence[DeletePath]) -> str | None:
    """What is wrong with foreign keys into the target, if anything is."""
    names = [table.name for table in target.tables]
    inside = {name.lower() for name in [*names, *(path.table for path in retired)]}

    def work(connection: sa.Connection) -> list[tuple[str, str]]:
        return foreign_keys_into(warehouse, connection, names)

    pairs = warehouse.transact("look at foreign keys", work, write=False)
    outside = sorted({f"{child} to {parent}" for child, parent in pairs if child.lower() not in inside})
    return (
        f"foreign keys of tables outside the target would stop replacing by key: {', '.join(outside)}"
        if outside
        else None
    )
