"""Lists of keys kept in the warehouse, which batches refer to by position."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import cast

import sqlalchemy as sa

from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, Key, KeyListRange, Row
from include.engine.plan import plan_key_list
from include.warehouse.connection import Warehouse
from include.warehouse.keys import is_digest, key_fault, stored_key
from include.warehouse.loaders.choose import loader_for
from include.warehouse.loaders.loader import Loader
from include.warehouse.rejects import open_reject_keys
from include.warehouse.runs import Run, was_set
from include.warehouse.tables import key_lists, runs
from include.warehouse.target import MAX_NAME, Target

CHUNK = 1000
"""Keys a transaction, and keys in memory."""

KEPT_LISTS = 20
"""Runs before the last one whose own lists stay, for batches of theirs that are cleared."""

_DROPPED_AT_ONCE = 500
"""Lists a statement; SQL Server takes 2,100 parameters."""

_is_number = re.compile("-?[0-9]+").fullmatch


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


def page_keys(warehouse: Warehouse, list_id: str, first: int, last: int) -> Iterator[Key]:
    """The keys at positions `[first, last)` in order, a short transaction a chunk.

    Raises `SettingsError` for a number that is none, by position.
    """
    for start in range(first, last, CHUNK):
        query = (
            sa.select(key_lists.c.position, key_lists.c.record_key, key_lists.c.is_number)
            .where(
                key_lists.c.list_id == list_id,
                key_lists.c.position >= start,
                key_lists.c.position < min(start + CHUNK, last),
            )
            .order_by(key_lists.c.position)
        )
        for position, key, is_number in warehouse.transact("read a list of keys", _all(query), write=False):
            yield _number(list_id, position, key) if is_number else key


def plan_listed(warehouse: Warehouse, list_id: str, batch_size: int) -> list[Batch]:
    """Batches over a stored list, pinned to the keys that it has now; none for a list that is empty or not there.

    Reads all of it, a chunk at a time. Raises `SettingsError` for positions that do not count from 0 without gaps, and
    for a number that is none, by position.
    """
    position = key_lists.c.position
    query = sa.select(sa.func.count(), sa.func.min(position), sa.func.max(position)).where(
        key_lists.c.list_id == list_id
    )
    count, first, last = warehouse.transact("measure a list of keys", lambda c: c.execute(query).one(), write=False)
    if count and (first, last) != (0, count - 1):
        raise SettingsError(
            f"list {list_id}: it has {count} keys at positions {first} to {last}; number them from 0 to {count - 1}, "
            "without gaps"
        )
    return [_pinned(warehouse, batch) for batch in plan_key_list(list_id, count, batch_size)]


def refuse_other_kind(warehouse: Warehouse, list_id: str, target: Target) -> None:
    """Raise `SettingsError` for a key of another kind than the target's, by position.

    A source would end its batch at such a key, or have it rejected as missing, for good.
    """
    query = sa.select(sa.func.min(key_lists.c.position)).where(
        key_lists.c.list_id == list_id, key_lists.c.is_number != target.key_is_number
    )
    position = warehouse.transact("look for keys of another kind", lambda c: c.execute(query).scalar_one(), write=False)
    if position is not None:
        kind, flag = ("numbers", 1) if target.key_is_number else ("text", 0)
        raise SettingsError(
            f"list {list_id}, position {position}: the keys of {target.name} are {kind}: set is_number to {flag}"
        )


def listed_keys(warehouse: Warehouse, part: KeyListRange) -> Iterator[Key]:
    """The keys that a batch refers to, as `page_keys`; raises `SourceChanged` where they are not those of the plan."""
    if part.pin is not None and part.pin != _digest(warehouse, part):
        raise SourceChanged(
            f"list {part.list_id}: positions {part.first} to {part.last} do not hold the keys that were planned "
            "(it was replaced or dropped): trigger a new run, or clear this one from its plan on"
        )
    return page_keys(warehouse, part.list_id, part.first, part.last)


def list_of_run(run: Run) -> str:
    """The run's own list of keys: no Param can name it, for the slash; Airflow's ids may be longer than a list's."""
    name = f"{run.dag_id}/{run.run_id}"
    return name if len(name) <= MAX_NAME else f"/{hashlib.sha256(name.encode()).hexdigest()}"


def drop_old_lists(warehouse: Warehouse, run: Run) -> None:
    """Drop the own lists of runs over open rejects, but for this run's and those of the `KEPT_LISTS` runs before."""
    owned = (runs.c.pipeline == run.pipeline) & (runs.c.target == run.target) & was_set("open_rejects_only")
    query = sa.select(runs.c.dag_id, runs.c.run_id).where(owned).order_by(runs.c.run_no.desc())

    def work(connection: sa.Connection) -> None:
        others = [replace(run, dag_id=dag_id, run_id=run_id) for dag_id, run_id in connection.execute(query)]
        old = [list_of_run(other) for other in others if other != run][KEPT_LISTS:]
        for start in range(0, len(old), _DROPPED_AT_ONCE):
            chunk = old[start : start + _DROPPED_AT_ONCE]
            connection.execute(sa.delete(key_lists).where(key_lists.c.list_id.in_(chunk)))

    warehouse.transact("drop old lists of keys", work)


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


def _pinned(warehouse: Warehouse, batch: Batch) -> Batch:
    part = cast("KeyListRange", batch.part)
    return replace(batch, part=replace(part, pin=_digest(warehouse, part)))


def _digest(warehouse: Warehouse, part: KeyListRange) -> str:
    """Of the keys that a range holds at this moment, their order and kind."""
    digest = hashlib.sha256()
    for key in page_keys(warehouse, part.list_id, part.first, part.last):
        digest.update(f"{type(key).__name__} {key}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _number(list_id: str, position: int, key: str) -> int:
    if not _is_number(key):
        raise SettingsError(
            f"list {list_id}, position {position}: the key is no whole number, though is_number says so: set that to 0 "
            "for a text key"
        )
    return int(key)


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


def _all(query: sa.Select[int, str, bool]) -> Callable[[sa.Connection], Sequence[sa.Row[int, str, bool]]]:
    return lambda connection: connection.execute(query).all()
