"""What is wrong with a target's tables, all of it at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

import sqlalchemy as sa

from include.warehouse.column_types import portable
from include.warehouse.delete_path import find_path
from include.warehouse.table_name import MAX_TABLE_NAME, TableName

HOUSE_PREFIX = "headrace_"
"""Names of the house's own tables begin with it."""

_NAME = re.compile(r"[^\W\d][^%\[\]\"'`\x00-\x1f]{0,126}")
"""pymssql reads `%` in a statement as a placeholder, wherever it stands; quotes are not worth the risk."""


def table_faults(record_key: str, tables: Sequence[sa.Table]) -> list[str]:
    """Sentences without end marks; empty when the tables can make a target."""
    if not tables:
        return ["it has no tables"]
    twice = [name for name, count in Counter(table.name.lower() for table in tables).items() if count > 1]
    faults = [f"table {name} is declared twice" for name in twice]
    faults += _schema_faults(tables)
    for table in tables:
        faults += _shape_faults(table)
        faults += _type_faults(table)
    reference_faults = [fault for table in tables for fault in _reference_faults(table, tables)]
    faults += reference_faults
    if not reference_faults:
        faults += _key_faults(record_key, tables)
        faults += _cycle_faults(tables)
    return faults


def parents_first(tables: Sequence[sa.Table]) -> list[sa.Table]:
    """In insertion order; raises `graphlib.CycleError` for foreign keys that go round."""
    by_name = {table.name: table for table in tables}
    parents = {
        table.name: [
            constraint.referred_table.name
            for constraint in table.foreign_key_constraints
            if constraint.referred_table.name != table.name
        ]
        for table in tables
    }
    return [by_name[name] for name in TopologicalSorter(parents).static_order()]


def _cycle_faults(tables: Sequence[sa.Table]) -> Iterator[str]:
    try:
        parents_first(tables)
    except CycleError as error:
        yield "foreign keys go round: " + " to ".join(error.args[1])


def _schema_faults(tables: Sequence[sa.Table]) -> Iterator[str]:
    schemas = list(dict.fromkeys(table.schema for table in tables))
    if len(schemas) > 1:
        named = ", ".join(schema or "the connection's own" for schema in schemas)
        yield f"its tables stand in several schemas ({named}): declare them in one"
    for schema in schemas:
        if schema is not None and ("." in schema or not _NAME.fullmatch(schema)):
            yield f"schema {schema!r} is no usable name"


def _shape_faults(table: sa.Table) -> Iterator[str]:
    if table.name.lower().startswith(HOUSE_PREFIX):
        yield f"table {table.name}: names that begin with {HOUSE_PREFIX} are the house's own"
    for name in (table.name, *table.columns.keys()):
        if not _NAME.fullmatch(name):
            yield f"table {table.name}: {name!r} is no usable name"
    if "." in table.name:
        yield f"table {table.name}: a dot in its name would be read as the end of a schema's"
    if len(str(TableName.of(table))) > MAX_TABLE_NAME:
        yield f"table {table.name}: its name and that of its schema take {MAX_TABLE_NAME - 1} characters together"
    for column in table.columns:
        if column.computed is not None or column.identity is not None:
            yield f"{table.name}.{column.name}: the server computes it, so no row can carry it"


def _type_faults(table: sa.Table) -> Iterator[str]:
    for column in table.columns:
        if portable(column.type) is None:
            yield f"{table.name}.{column.name}: type {column.type!r} is not supported"


def _reference_faults(table: sa.Table, tables: Sequence[sa.Table]) -> Iterator[str]:
    names = {other.fullname for other in tables}
    for constraint in table.foreign_key_constraints:
        if constraint.deferrable or constraint.initially:
            yield f"{table.name}: a deferrable foreign key would fail at the commit, where no record can be named"
        for element in constraint.elements:
            # The spec is text until the referred table is known, and that may never be.
            referred = element.target_fullname.rpartition(".")[0]
            if referred not in names:
                yield f"{table.name}.{element.parent.name}: its foreign key leads to {referred}, outside the target"


def _key_faults(record_key: str, tables: Sequence[sa.Table]) -> Iterator[str]:
    carriers = [table for table in tables if record_key in table.columns]
    if not carriers:
        yield f"no table has the record key's column {record_key}"
        return
    for table in carriers:
        column = table.columns[record_key]
        if not isinstance(column.type, sa.Integer | sa.String):
            yield f"{table.name}.{record_key}: a record key is an integer or text, not {column.type!r}"
        elif isinstance(column.type, sa.String) and not 0 < (column.type.length or 0) <= 200:
            yield f"{table.name}.{record_key}: a text key needs a length of 1 to 200"
        if column.nullable:
            yield f"{table.name}.{record_key}: a record key cannot be nullable"
    if len({isinstance(table.columns[record_key].type, sa.Integer) for table in carriers}) > 1:
        yield f"{record_key} is a number in one table and text in another"
    for table in tables:
        if find_path(table, record_key) is None:
            yield (
                f"table {table.name} neither has the column {record_key} "
                "nor reaches it through single-column foreign keys"
            )
