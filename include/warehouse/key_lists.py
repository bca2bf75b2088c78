"""Lists of keys kept in the warehouse, which batches refer to by position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import sqlalchemy as sa

from include.engine.errors import SettingsError
from include.engine.model import Key, Row
from include.warehouse.connection import Warehouse
from include.warehouse.keys import is_digest, key_fault, stored_key
from include.warehouse.loaders.choose import loader_for
from include.warehouse.loaders.loader import Loader
from include.warehouse.rejects import open_reject_keys
from include.warehouse.tables import key_lists
from include.warehouse.target import Target

CHUNK = 1000
"""Keys a transaction, and keys in memory."""


def store_keys(warehouse: Warehouse, list_id: str, keys: Iterable[Key]) -> int:
    """Replace a list by these keys in their order; returns how many. Reads `keys` once, a chunk at a time.

    A list that is being stored is seen in part by others: plan batches over it after this returns.
    Raises `SettingsError` for a key that the warehouse cannot hold, by position.
    """
    drop_list(warehouse, list_id)
    loader, iterator, position = loader_for(warehouse), iter(keys), 0
    while chunk := list(islice(iterator, CHUNK)):
        lines = [_line(list_id, position + offset, key) for offset, key in enumerate(chunk)]
        warehouse.transact("store a list of keys", _replacing(loader, list_id, position, lines))
        position += len(chunk)
    return position


def list_length(warehouse: Warehouse, list_id: str) -> int:
    """0 for a list that was never stored."""
    query = sa.select(sa.func.count()).select_from(key_lists).where(key_lists.c.list_id == list_id)
    return warehouse.transact(
        "count a list of keys", lambda connection: connection.execute(query).scalar_one(), write=False
    )


def page_keys(warehouse: Warehouse, list_id: str, first: int, last: int) -> Iterator[Key]:
    """The keys at positions `[first, last)` in order, a short transaction a chunk."""
    for start in range(first, last, CHUNK):
        query = (
            sa.select(key_lists.c.record_key, key_lists.c.is_number)
            .where(
                key_lists.c.list_id == list_id,
                key_lists.c.position >= start,
                key_lists.c.position < min(start + CHUNK, last),
            )
            .order_by(key_lists.c.position)
        )
        for key, is_number in warehouse.transact("read a list of keys", _all(query), write=False):
            yield int(key) if is_number else key


def store_open_rejects(
    warehouse: Warehouse, list_id: str, pipeline: str, target: Target, chosen: Callable[[Key], bool] | None = None
) -> int:
    """Snapshot the keys of a target's open rejects into a list, in stored order; returns how many.

    Keys that the warehouse cannot hold are left out: only their digest is known. `chosen` may leave out others.
    """
    stored = open_reject_keys(warehouse, pipeline, target.name)
    keys = (target.key_of(key) for key in stored if not is_digest(key))
    return store_keys(warehouse, list_id, keys if chosen is None else filter(chosen, keys))


def drop_list(warehouse: Warehouse, list_id: str) -> None:
    """Harmless for one that is not there."""
    statement = sa.delete(key_lists).where(key_lists.c.list_id == list_id)

    def work(connection: sa.Connection) -> None:
        connection.execute(statement)

    warehouse.transact("drop a list of keys", work)


def _line(list_id: str, position: int, key: Key) -> Row:
    fault = key_fault(key)
    if fault is not None:
        raise SettingsError(f"list {list_id}, position {position}: {fault.message}")
    return (list_id, position, stored_key(key), int(isinstance(key, int)))


def _replacing(loader: Loader, list_id: str, position: int, lines: list[Row]) -> Callable[[sa.Connection], None]:
    """Bears being repeated after a commit whose answer was lost."""

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.delete(key_lists).where(key_lists.c.list_id == list_id, key_lists.c.position >= position))
        # As an insert of SQLAlchemy's, SQL Server would be sent a statement a key.
        loader.insert(connection, key_lists, lines)

    return work


def _all(query: sa.Select[str, bool]) -> Callable[[sa.Connection], Sequence[sa.Row[str, bool]]]:
    return lambda connection: connection.execute(query).all()
