"""The tables in files that runs have planned, by the keys of their rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from include.engine.model import RowRange
from include.pipelines.csv.keys import TableKeys
from include.pipelines.csv.tables import files
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.encoders import wire_timestamp
from include.warehouse.loaders.choose import loader_for
from include.warehouse.schema import ensure_tables

CHUNK = 500


def remember_tables(warehouse: Warehouse, parts: Sequence[RowRange], limited: Sequence[RowRange] = ()) -> None:
    """`parts` are all rows of each table that a run has planned, `limited` those of tables that have more.

    A limited plan takes nothing away: of a table that an earlier plan saw further into, that one stays, since rows
    beyond the limit are settled, and are to be found and rendered again.
    """
    ensure_tables(warehouse, [files])
    loader = loader_for(warehouse)
    whole = {TableKeys(part).table for part in parts}
    planned = {TableKeys(part).table: part for part in (*limited, *parts)}
    for chunk in _chunks(sorted(planned)):
        now = wire_timestamp(utc_now(), warehouse.name)

        def work(connection: sa.Connection, chunk: list[str] = chunk, now: str = now) -> None:
            kept = _parts(connection, [key for key in chunk if key not in whole], to_write=True)
            further = [key for key in chunk if key not in kept or kept[key].last < planned[key].last]
            rows = [(key, planned[key].uri, json.dumps(asdict(planned[key])), now) for key in further]
            loader.upsert(connection, files, rows)

        warehouse.transact("remember the files of the plan", work)


def known_tables(warehouse: Warehouse, keys: Collection[str]) -> dict[str, RowRange]:
    """All rows of those tables, by key; a table that no run has planned is absent."""
    ensure_tables(warehouse, [files])
    found: dict[str, RowRange] = {}
    for chunk in _chunks(sorted(keys)):

        def work(connection: sa.Connection, chunk: list[str] = chunk) -> dict[str, RowRange]:
            return _parts(connection, chunk)

        found |= warehouse.transact("look for the files of rows", work, write=False)
    return found


def _parts(connection: sa.Connection, keys: list[str], *, to_write: bool = False) -> dict[str, RowRange]:
    query = sa.select(files.c.file_key, files.c.part).where(files.c.file_key.in_(keys))
    if to_write:  # two plans at once would each look, and the limited one write last; SQLite has one writer anyway
        query = query.with_hint(files, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
    return {key: RowRange(**json.loads(part)) for key, part in connection.execute(query).all()}


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
