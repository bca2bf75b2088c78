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


def remember_tables(warehouse: Warehouse, parts: Sequence[RowRange]) -> None:
    """`parts` are all rows of each table that a run has planned."""
    ensure_tables(warehouse, [files])
    loader = loader_for(warehouse)
    for start in range(0, len(parts), CHUNK):
        now = wire_timestamp(utc_now(), warehouse.name)
        rows: list[tuple[str, ...]] = [
            (TableKeys(part).table, part.uri, json.dumps(asdict(part)), now) for part in parts[start : start + CHUNK]
        ]

        def work(connection: sa.Connection, rows: list[tuple[str, ...]] = rows) -> None:
            loader.upsert(connection, files, rows)

        warehouse.transact("remember the files of the plan", work)


def known_tables(warehouse: Warehouse, keys: Collection[str]) -> dict[str, RowRange]:
    """All rows of those tables, by key; a table that no run has planned is absent."""
    ensure_tables(warehouse, [files])
    found: dict[str, RowRange] = {}
    for chunk in _chunks(sorted(keys)):
        query = sa.select(files.c.file_key, files.c.part).where(files.c.file_key.in_(chunk))

        def work(connection: sa.Connection, query: sa.Select[str, str] = query) -> Sequence[sa.Row[str, str]]:
            return connection.execute(query).all()

        lines = warehouse.transact("look for the files of rows", work, write=False)
        found |= {key: RowRange(**json.loads(part)) for key, part in lines}
    return found


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
