"""The pipeline `xml_records`: from settings and connections to source, transform and plan."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from include.engine.errors import SettingsError
from include.engine.model import Batch, Key, Record
from include.engine.plan import plan_keys
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.xml.document.encoding import Utf8
from include.pipelines.xml.document.transform import DocumentTransform, process_transform
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import find_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.settings import XmlSettings
from include.pipelines.xml.source.table import SourceNames, SourceTable
from include.pipelines.xml.source.table_source import TableKeySpace, XmlTableSource
from include.pipelines.xml.tables import target_of
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, last_watermark
from include.warehouse.window import Window

NAME = "xml_records"

_is_whole_number = re.compile("[+-]?[0-9]{1,19}").fullmatch

INVERTED = "key_lower must lie before key_upper"

MEANING = 2
"""Raised when this code gives other rows for the same contract and document: everything is redone then."""


class XmlPipeline:
    """Built once a task; its parts are safe to use from many threads."""

    name = NAME

    def __init__(
        self,
        settings: XmlSettings,
        window: Window | None,
        source_database: Warehouse,
        warehouse: Warehouse,
        *,
        run_ids: tuple[str, str] | None = None,
    ) -> None:
        """`run_ids` are the ids of the Dag and of its run, which reads above the watermark of an earlier one.

        Raises `SettingsError` for a contract with mistakes, all of them at once.
        """
        self.settings = settings
        self.contract: Contract = find_contract(settings.contract, settings.contract_folders)
        self.target = target_of(self.contract)
        self._window = window if settings.change_date_column is not None else None
        self._source_database = source_database
        self._warehouse = warehouse
        self._run = None if run_ids is None else Run(NAME, self.target.name, *run_ids)
        self._key_lists = warehouse

    @cached_property
    def mark_names(self) -> Sequence[str]:
        """Columns with a path, by the bit of `NotedRows.marks` that says that one held a value."""
        return compile_contract(self.contract).mark_names

    @cached_property
    def fingerprint(self) -> str:
        """Of the contract, the target's tables, and what else decides which rows a document gives."""
        limits = self.settings.limits()
        parts = (
            str(MEANING),
            self.contract.meaning,
            self.target.signature,
            repr((limits.max_document_bytes, limits.max_depth, limits.fallback_encoding)),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def _hash_of_mapping(self) -> hashlib._Hash:
        # SHA-256 has instructions of its own on today's processors: half the time of BLAKE2b.
        return hashlib.sha256(self.fingerprint.encode())

    def obey(self, stop: threading.Event) -> None:
        """Both databases may keep their readers waiting."""
        self._source_database = self._source_database.obeying(stop)
        self._key_lists = self._warehouse.obeying(stop)

    def source(self) -> XmlTableSource:
        """Looks at the table when it is first used."""
        settings = self.settings
        names = SourceNames(
            settings.source_table,
            settings.key_column,
            settings.xml_column,
            settings.change_date_column,
            settings.source_schema,
        )
        return XmlTableSource(
            self._source_database,
            names,
            self._window,
            key_lists=self._key_lists,
            page_rows=settings.page_rows,
            page_bytes=settings.page_bytes,
            max_document_bytes=settings.max_document_bytes,
            vanished=settings.vanished,
        )

    def transform(self) -> Transform | ProcessTransform:
        """Parses and maps, in threads or in worker processes."""
        build = process_transform if self.settings.worker_kind == "processes" else DocumentTransform
        return build(self.contract, self.settings.limits())

    def content_hash(self, record: Record) -> str:
        """Of the document's bytes as the source has them; white space counts."""
        payload = record.payload
        if isinstance(payload, Utf8):
            payload = payload.data
        elif isinstance(payload, str):
            payload = payload.encode("utf-8", "surrogatepass")
        digest = self._hash_of_mapping.copy()
        digest.update(payload or b"")
        return digest.hexdigest()

    def scope(self) -> str:
        """What a run reads, for the log of its plan."""
        settings = self.settings
        text = f"documents of {settings.source_table} by contract {self.contract.contract}"
        if settings.key_lower is not None or settings.key_upper is not None:
            text += f", keys from {_end(settings.key_lower)} until before {_end(settings.key_upper)}"
        if self._window is not None:
            return f"{text}, {self._window}"
        if settings.change_date_column is not None:
            return f"{text}, of all change dates"
        if settings.skip_unchanged:
            return f"{text}, all of them, the unchanged skipped"
        if settings.force:
            return f"{text}, all keys (force)"
        if self._first_unread() is None:
            return f"{text}, all keys: no run has left a watermark yet"
        return f"{text}, keys above the last successful run's"

    def plan(self, batch_size: int) -> list[Batch]:
        """Batches over what the settings and the window select.

        Raises `SettingsError` for a table that is not there, or a range that ends before it begins.
        """
        lower, upper = self._bounds()
        above = self._first_unread()
        if above is not None:
            lower = above if lower is None else max(lower, above)
        table = self._checked_table()
        space = TableKeySpace(self._source_database, table, lower, upper)
        if self._bounds() == (None, None):
            space.refuse_null_keys()
        batches = plan_keys(space, batch_size, lower=lower, upper=upper)
        if not batches:
            self._refuse_inverted(table)
        return batches

    def check(self) -> None:
        """Raises `SettingsError` for a table that is not there or not of the contract."""
        self._checked_table()

    def _checked_table(self) -> SourceTable:
        table = self.source().table
        if self.target.key_is_number is not table.key_is_number:
            kind = "numbers" if table.key_is_number else "text"
            raise SettingsError(
                f"the keys of {self.settings.source_table} are {kind}, the contract's are not: key.type"
            )
        return table

    @property
    def reads_everything(self) -> bool:
        """No window, range or list leaves a document out, and no watermark could.

        Whether one did is not asked here: the runs that left it may have been cleared since the plan.
        """
        goes_on = self.settings.without_change_date == "above_watermark" and not self.settings.force
        return self._window is None and not self._reads_a_part and not goes_on

    def watermark(self) -> str | None:
        """The highest key of the source; only where runs read above the last one's, and all of that."""
        if self.settings.without_change_date != "above_watermark" or self._reads_a_part:
            return None
        last = TableKeySpace(self._source_database, self.source().table).last()
        return None if last is None else str(last)

    @property
    def _reads_a_part(self) -> bool:
        settings = self.settings
        chosen = settings.key_lower, settings.key_upper, settings.key_list
        return settings.open_rejects_only or chosen != (None,) * 3

    def _first_unread(self) -> Key | None:
        if self.settings.without_change_date != "above_watermark" or self.settings.force:
            return None
        stored = last_watermark(self._warehouse, self.name, self.target.name, before=self._run)
        if stored is None:
            return None
        # Text keys hold no NUL, so none lies between the key and this bound.
        return int(stored) + 1 if self.target.key_is_number else stored + "\x01"

    def _bounds(self) -> tuple[Key | None, Key | None]:
        lower, upper = self._key(self.settings.key_lower), self._key(self.settings.key_upper)
        is_inverted = lower >= upper if isinstance(lower, int) and isinstance(upper, int) else lower == upper
        if is_inverted and lower is not None:
            raise SettingsError(INVERTED)
        return lower, upper

    def _refuse_inverted(self, table: SourceTable) -> None:
        """How text sorts, the database alone knows: the range is inverted where the keys are that lie the other way."""
        lower, upper = self._bounds()
        if lower is None or upper is None or isinstance(lower, int):
            return
        if TableKeySpace(self._source_database, replace(table, window=None), upper, lower).last() is not None:
            raise SettingsError(INVERTED)

    def _key(self, bound: Key | None) -> Key | None:
        """A bound from the trigger form may be a number written as text."""
        if bound is None or isinstance(bound, int) is self.target.key_is_number:
            return bound
        if isinstance(bound, int):
            return str(bound)
        if not _is_whole_number(bound) or abs(int(bound)) >= 2**63:
            raise SettingsError("key_lower, key_upper: the contract's keys are numbers of 64 bits")
        return int(bound)


def _end(bound: Key | None) -> str:
    return "…" if bound is None else str(bound)
