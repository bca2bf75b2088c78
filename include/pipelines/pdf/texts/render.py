"""Writes the text of a batch's documents to files, from the pages that are committed."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa

from include.connections.files.folder import FileFolder
from include.engine.errors import BatchStopped
from include.engine.model import Outcome
from include.pipelines.pdf.rows import PAGES
from include.warehouse.connection import Warehouse
from include.warehouse.tables import records
from include.warehouse.target import Target

PAGE_BREAK = "\f"

KEYS = 200
PAGES_AT_A_TIME = 50
"""What one short transaction reads."""


def render_texts(
    warehouse: Warehouse, owner: tuple[str, Target], cycle_id: int, folder: FileFolder, stop: threading.Event
) -> None:
    """Make the files agree with what the target holds of each document that the cycle settled last.

    One that was written has a new file, one that was left as it is keeps its file or gets one, and one without rows has
    none. Doing it again gives the same. `owner` is the pipeline's name and its target. Raises `BatchStopped` within a
    document after `stop` was set, and what the folder and the warehouse raise.
    """
    pipeline, target = owner
    for key, outcome, row_count in _settled(warehouse, (pipeline, target.name), cycle_id, stop):
        name = f"{key}.txt"
        if not _is_document(key):
            continue
        if not row_count:
            folder.remove(name)
        elif outcome == Outcome.WRITTEN or not folder.has(name):
            with tempfile.TemporaryFile(prefix="headrace-text-") as file:
                _write(warehouse, target, key, file, stop)
                folder.put(name, file)


def _settled(
    warehouse: Warehouse, owner: tuple[str, str], cycle_id: int, stop: threading.Event
) -> Iterator[tuple[str, str, int]]:
    columns = records.c.record_key, records.c.outcome, records.c.row_count
    mine = (records.c.pipeline == owner[0]) & (records.c.target == owner[1]) & (records.c.cycle_id == cycle_id)
    query = sa.select(*columns).where(mine).order_by(records.c.record_key).limit(KEYS)
    found: Sequence[Any] = _rows(warehouse, query, stop)
    while found:
        for key, outcome, row_count in found:
            if stop.is_set():
                raise BatchStopped("told to stop amid the text files")
            yield key, outcome, row_count
        found = _rows(warehouse, query.where(records.c.record_key > found[-1][0]), stop)


def _is_document(key: str) -> bool:
    """A list of keys may hold any text, and a path among them must not become a file's name."""
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False


def _write(warehouse: Warehouse, target: Target, key: str, file: IO[bytes], stop: threading.Event) -> None:
    pages = target[PAGES].table
    query = sa.select(pages.c.page, pages.c.text).order_by(pages.c.page).limit(PAGES_AT_A_TIME)
    query = query.where(pages.c.document_uuid == key)
    last = 0
    while found := _rows(warehouse, query.where(pages.c.page > last), stop):
        for page, text in found:
            file.write(f"{PAGE_BREAK if last else ''}{text}".encode())
            last = page


def _rows(warehouse: Warehouse, query: sa.Select[Any], stop: threading.Event) -> Sequence[Any]:
    return warehouse.transact("read pages for text files", _all(query), write=False, stop=stop)


def _all(query: sa.Select[Any]) -> Callable[[sa.Connection], Sequence[Any]]:
    return lambda connection: connection.execute(query).all()
