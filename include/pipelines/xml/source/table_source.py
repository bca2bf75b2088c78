"""Documents from a table, page by page in key order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import sqlalchemy as sa

from include.engine.errors import FatalError
from include.engine.model import Batch, Key, KeyListRange, KeyRange, Record
from include.pipelines.xml.source.rows import key_of, record_of
from include.pipelines.xml.source.table import SourceNames, SourceTable, find_source_table
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import listed_keys
from include.warehouse.vanished import Vanished, missing_record
from include.warehouse.window import Window

LISTED_KEYS = 200
"""Keys of a stored list that one query asks for; SQL Server takes 2,100 parameters."""


class XmlTableSource:
    """Reads a batch from the table of documents.

    A page is one short transaction, bounded in rows and in bytes: between pages no cursor and no lock is held. So a
    document that changes while the batch runs is read in one state or the other, never half.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        names: SourceNames,
        window: Window | None = None,
        *,
        key_lists: Warehouse | None = None,
        page_rows: int = 500,
        page_bytes: int = 8 * 1024 * 1024,
        max_document_bytes: int | None = None,
        vanished: Vanished = "keep",
    ) -> None:
        """`key_lists` is the warehouse that holds stored lists of keys, where that is another one.

        A listed key that the table does not have is rejected, and loses its rows where `vanished` says `remove`.

        Documents above `max_document_bytes`, of the text as UTF-8, come with a fault in place of their payload. A large
        one takes three times its size while it is fetched from SQL Server (the driver's buffer, its text, bytes), twice
        from SQLite.
        """
        self._warehouse = warehouse
        self._names = names
        self._window = window
        self._key_lists = key_lists or warehouse
        self._page_rows = page_rows
        self._page_bytes = page_bytes
        self._max_document_bytes = max_document_bytes
        self._vanished: Vanished = vanished

    @cached_property
    def table(self) -> SourceTable:
        """Looked up once; raises `SettingsError` that names what is missing."""
        return find_source_table(self._warehouse, self._names, self._window, self._max_document_bytes)

    def read(self, batch: Batch) -> Iterator[Record]:
        """Records in key order; those of a stored list in its order, 200 at a time.

        A document that is NULL, or a listed key that the table does not have (any more), comes with a fault.
        Raises `FatalError` when the key column is not unique: paging by key would lose records; `SourceChanged` for a
        list that is not the one that was planned.
        """
        match batch.part:
            case KeyRange(lower, upper):
                return self._read_range(lower, upper)
            case KeyListRange() as part:
                return self._read_listed(listed_keys(self._key_lists, part))
            case other:
                raise FatalError(f"documents are read by key, not by {type(other).__name__}")

    def _read_range(self, lower: Key | None, upper: Key | None) -> Iterator[Record]:
        conditions = self.table.conditions(lower, upper)
        while True:
            page, complete = self._page(conditions)
            yield from page
            if complete:
                return
            conditions = [*self.table.conditions(None, upper), self.table.key > self.table.bound(page[-1].key)]

    def _read_listed(self, keys: Iterator[Key]) -> Iterator[Record]:
        while chunk := list(islice(keys, LISTED_KEYS)):
            wanted = dict.fromkeys(self.table.checked(key) for key in chunk)
            while wanted:
                page, complete = self._page([self.table.key.in_([self.table.bound(key) for key in wanted])])
                # A collation without case finds more than was asked for.
                found = [record for record in page if record.key in wanted]
                for record in found:
                    del wanted[record.key]
                yield from found
                if complete or not found:
                    break
            for key in wanted:
                yield missing_record(key, "the source has no record of this key", self._vanished)

    def _page(self, conditions: Iterable[sa.ColumnElement[bool]]) -> tuple[list[Record], bool]:
        """The first records that meet the conditions, and whether these are all."""
        statement = sa.select(*self.table.selected()).where(*conditions).order_by(self.table.key).limit(self._page_rows)
        return self._warehouse.transact("read documents", lambda c: self._fetch(c, statement), write=False)

    def _fetch(self, connection: sa.Connection, statement: sa.Select[Any]) -> tuple[list[Record], bool]:
        page: list[Record] = []
        size = 0
        with connection.execute(statement) as result:
            # Row by row: the driver hands over what is asked for, and the rest of the page is dropped unread.
            while size < self._page_bytes and (row := result.fetchone()) is not None:
                record = record_of(row, self._max_document_bytes)
                if page and page[-1].key == record.key:
                    raise self._not_unique(record.key)
                page.append(record)
                size += record.size
        complete = size < self._page_bytes and len(page) < self._page_rows
        if page and not complete:
            self._check_last(connection, page[-1].key)
        return page, complete

    def _check_last(self, connection: sa.Connection, key: Key) -> None:
        """The next page starts above this key: a second row of it would be lost."""
        same = self.table.key == self.table.bound(key)
        statement = sa.select(sa.func.count()).select_from(self.table.key.table).where(same)
        if connection.execute(statement).scalar_one() > 1:
            raise self._not_unique(key)

    def _not_unique(self, key: Key) -> FatalError:
        table, column = self._names.full_table, self._names.key
        return FatalError(f"source table {table}: key_column {column} is not unique, {key!r} is there twice")


class TableKeySpace:
    """The keys of a table within a range and a window, for planning."""

    def __init__(
        self, warehouse: Warehouse, table: SourceTable, lower: Key | None = None, upper: Key | None = None
    ) -> None:
        self._warehouse = warehouse
        self._table = table
        self._lower = lower
        self._upper = upper

    def count(self) -> int:
        """Keys at this moment."""
        statement = (
            sa.select(sa.func.count())
            .select_from(self._table.key.table)
            .where(*self._table.conditions(self._lower, self._upper))
        )
        return int(self._scalar("count the source's keys", statement) or 0)

    def key_at(self, start: Key | None, offset: int) -> Key | None:
        """The key `offset` positions after `start`, or after the first one; None past the end."""
        conditions = self._table.conditions(self._lower if start is None else start, self._upper)
        statement = sa.select(self._table.key).where(*conditions).order_by(self._table.key).offset(offset).limit(1)
        found = self._scalar("find a key of the source", statement)
        return None if found is None else key_of(found)

    def last(self) -> Key | None:
        """The highest key."""
        conditions = self._table.conditions(self._lower, self._upper)
        statement = sa.select(self._table.key).where(*conditions).order_by(self._table.key.desc()).limit(1)
        found = self._scalar("find the source's last key", statement)
        return None if found is None else key_of(found)

    def refuse_null_keys(self) -> None:
        """Raise `FatalError` for a row of the window without a key: no range has it, so no batch would read it."""
        table = self._table
        statement = sa.select(sa.literal(1)).select_from(table.key.table)
        statement = statement.where(table.key.is_(None), *table.conditions(None, None)).limit(1)
        if self._scalar("look for a key that is NULL", statement) is not None:
            key_of(None)  # raises, as for a batch that meets it

    def _scalar(self, what: str, statement: sa.Select[Any]) -> Any:  # noqa: ANN401 - a driver's value
        return self._warehouse.transact(what, lambda c: c.execute(statement).scalar(), write=False)
