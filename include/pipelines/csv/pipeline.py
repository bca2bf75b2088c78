"""The pipeline `csv_enrichment`: from settings and services to source, transform, plan and output."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cached_property
from uuid import uuid4

from include.connections.files.folder import FileFolder
from include.connections.files.named_folder import named_folder
from include.connections.files.objects import ObjectStore
from include.connections.files.pinned import FilePin, pinned_then
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.connections.http.clock import Clock, PartClock
from include.connections.http.pool import HttpPool, PoolSettings
from include.engine.errors import HeadraceError, SettingsError, TransientError
from include.engine.model import Batch, Key, KeyListRange, Record, RowRange
from include.engine.ports import Transform
from include.pipelines.csv.answers.pruning import Pruned, prune
from include.pipelines.csv.answers.store import AnswerStore
from include.pipelines.csv.calls.paid_calls import PaidCalls
from include.pipelines.csv.calls.service import Service
from include.pipelines.csv.enrichment import Enrichment
from include.pipelines.csv.estimate import Estimator, Pace
from include.pipelines.csv.input.mapping import ColumnMapping
from include.pipelines.csv.keys import split_key
from include.pipelines.csv.known_tables import known_tables, remember_tables
from include.pipelines.csv.merge import Merge, Merged, complete_tables
from include.pipelines.csv.offers import Offer
from include.pipelines.csv.planning import check_output_apart, mapping_of, numbered_batches, plan_tables, run_files
from include.pipelines.csv.settings import CsvSettings
from include.pipelines.csv.source import RowSource, RowWork
from include.pipelines.csv.tables import csv_target
from include.pipelines.csv.transform import EnrichRow
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import listed_keys
from include.warehouse.pipeline import BeforeCommit
from include.warehouse.rejects import open_reject_keys
from include.warehouse.window import Window

log = logging.getLogger(__name__)

NAME = "csv_enrichment"

MEANING = 2
"""Raised when this code gives other rows for the same fields: everything is redone then."""

MAX_CONNECTIONS = 800
"""Most systems let a process have 1,024 files open."""

FLUSH_S = 30.0
"""A commit waits no longer than this for the answers that its rows are made of."""


def pool_settings_of(services: Sequence[Service], workers: int) -> PoolSettings:
    """What `workers` threads need that ask these services; no silence ends before a service's `timeout_s`."""
    # A worker keeps one to each service: else every call would close another's connection to open its own.
    connections = min(MAX_CONNECTIONS, workers * max(1, len(services)))
    longest_s = max((service.timeout_s for service in services), default=60.0)
    return PoolSettings(connections=connections, read_timeout_s=longest_s)


class CsvPipeline:
    """Built once a task; what its batches use is made by `equipment`, for many threads."""

    name = NAME

    def __init__(
        self,
        settings: CsvSettings,
        offers: Mapping[str, Offer],
        warehouse: Warehouse,
        *,
        objects: ObjectStore | None = None,
        window: Window | None = None,
        paid_after: datetime | None = None,
    ) -> None:
        """`window` selects among the files of the inbox; answers from before `paid_after` (naive UTC) are not used.

        Raises `SettingsError` for roots that are not there.
        """
        self.settings = settings
        self.target = csv_target()
        self.estimate: dict[str, object] | None = None
        """Of a plan that was a dry run."""
        self._offers = offers
        self._enrichment = Enrichment(settings, offers)
        self._warehouse = warehouse
        self._key_lists = warehouse
        """Where listed keys, and the files that they belong to, are read."""
        self._objects = objects
        self._places = Places(LocalRoots(settings.roots), objects)
        self._window = window
        self._paid_after = paid_after
        self._calls: PaidCalls | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Of the table and of all that decides what a row gets."""
        parts = (str(MEANING), self.target.signature, self._enrichment.digest)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def obey(self, stop: threading.Event) -> None:
        """The warehouse may keep who reads its keys waiting."""
        self._key_lists = self._warehouse.obeying(stop)

    def source(self) -> RowSource:
        """Reads tables as they were pinned."""
        return RowSource(self._places, self._mapped, self._keys_of, self._tables_of)

    def transform(self) -> Transform:
        """Within `equipment` only."""
        if self._calls is None:
            raise RuntimeError("the transform's paid calls are those of the batch's equipment")
        return EnrichRow(self._enrichment.steps(()), self._calls, self.settings.record_timeout_s)

    @contextmanager
    def equipment(self, stop: threading.Event, ending: threading.Event) -> Iterator[BeforeCommit]:
        """Connections and the store of paid answers; each commit waits for the answers that it rests on.

        Once `ending` is set no call goes out; those under way are waited for, no longer than their `timeout_s`.
        """
        if self.settings.dry_run:
            raise SettingsError("dry_run: an estimate is made by the plan; a batch would pay")
        services = [offer.service for offer in self._offers.values()]
        pool_settings = pool_settings_of(services, self.settings.workers)
        with (
            closing(HttpPool(pool_settings)) as pool,
            AnswerStore(self._warehouse, uuid4().hex, stop=ending) as answers,
        ):
            clock, patience_s = PartClock(Clock(stop), ending), self.settings.quota_wait_s
            self._calls = calls = PaidCalls(
                services, answers, pool, clock, paid_after=self._paid_after, quota_wait_s=patience_s
            )
            try:
                yield lambda: answers.flush(FLUSH_S)
            finally:
                self._calls = None
                ending.set()  # also for a row whose thread was left behind
                calls.close()
                log.info("calls: %s", json.dumps(calls.counts.snapshot(), sort_keys=True))

    def content_hash(self, record: Record) -> str:
        """Of the row's fields, and of all that decides what it gets."""
        work: RowWork = record.payload
        parts = [self.fingerprint, sorted(work.row.fields.items())]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def scope(self) -> str:
        """What a run reads, for the log of its plan."""
        if self.settings.file is not None:
            return f"file {self.settings.file}, unchanged rows skipped"
        when = str(self._window) if self._window is not None else "whenever they arrived"
        return f"files of {self.settings.inbox}, {when}, unchanged rows skipped"

    def plan(self, batch_size: int) -> list[Batch]:
        """Look at every file, and split their rows; a dry run leaves an `estimate`, and nothing to load.

        Raises one `SettingsError` that lists every fault.
        """
        if not self.settings.dry_run:
            self._checked_output()
        uris = run_files(self.settings, self._places, self._window)
        tables = plan_tables(self.settings, self._enrichment, self._places, uris, batch_size)
        batches = numbered_batches(tables)
        if self.settings.dry_run:
            pace = Pace(self.settings.workers, min(self.settings.tasks_at_once, max(1, len(batches))))
            estimator = Estimator(
                self._warehouse, self._places, self._enrichment.steps(()), self._offers, force=self.settings.force
            )
            self.estimate = estimator.estimate(tables, pace)
            return []
        whole, limited = (
            [table.part for table in tables if table.part is not None and table.plan.limited is is_limited]
            for is_limited in (False, True)
        )
        remember_tables(self._warehouse, whole, limited)
        return batches

    def check(self) -> None:
        """What `plan` finds out about steps, template, services and output, for a run over listed rows."""
        self._checked_output()
        if faults := self._enrichment.faults():
            raise SettingsError("; ".join(faults))

    def chooses(self) -> Callable[[Key], bool]:
        """Of rejected rows, those whose file is the one that the settings name, or any; and is as it was planned."""
        places = map(split_key, open_reject_keys(self._warehouse, self.name, self.target.name))
        tables = self._tables_of({place[0] for place in places if place is not None})
        files = None if self.settings.file is None else set(run_files(self.settings, self._places, None))
        mine = {key for key, part in tables.items() if (files is None or part.uri in files) and self._is_there(part)}
        if left := len(tables) - len(mine):
            log.info("rejected rows of %d files are left alone: other files, changed ones, or gone", left)
        return lambda key: (place := split_key(str(key))) is not None and place[0] in mine

    def merge(self, batches: Sequence[Batch], done: Collection[int], stop: threading.Event) -> Merged:
        """Render the files of a run; `done` are the indexes of the batches that succeeded."""
        complete, unfinished = complete_tables(batches, done)
        lists = [batch for batch in batches if isinstance(batch.part, KeyListRange)]
        listed = {key: part for batch in lists for key, part in self._listed(batch).items()}
        open_lists = any(batch.index not in done for batch in lists)
        parts = [*complete, *(() if open_lists else listed.values())]
        unfinished += [part.uri for part in listed.values()] if open_lists else []
        options, owner = self.settings.output_options(), (self.name, self.target)
        folder, made = self._output_folder(), self._enrichment.outputs
        merge = Merge(self._warehouse, owner, self._places, folder, options, made)
        return merge.render(parts, unfinished, stop)

    @property
    def reads_everything(self) -> bool:
        """Files that were read yesterday are not to be missed."""
        return False

    def watermark(self) -> None:
        """Runs read what they are told, or what arrived."""

    def prune(self) -> Pruned:
        """Delete paid answers that this run would not use any more, and leases of dead tasks: some, at a run's end."""
        return prune(self._warehouse, {name: offer.service.ttl for name, offer in self._offers.items()})

    def _output_folder(self) -> FileFolder:
        return named_folder("output_folder", self.settings.output_folder, self._objects)

    def _checked_output(self) -> None:
        check_output_apart(self.settings, self._places)
        self._output_folder()

    def _mapped(self, header: Sequence[str]) -> ColumnMapping:
        return mapping_of(self.settings, self._enrichment, header)

    def _keys_of(self, part: KeyListRange) -> list[str]:
        return [str(key) for key in listed_keys(self._key_lists, part)]

    def _tables_of(self, keys: set[str]) -> Mapping[str, RowRange]:
        return known_tables(self._key_lists, keys)

    def _listed(self, batch: Batch) -> Mapping[str, RowRange]:
        keys = self._keys_of(batch.part) if isinstance(batch.part, KeyListRange) else []
        return self._tables_of({place[0] for key in keys if (place := split_key(key)) is not None})

    def _is_there(self, part: RowRange) -> bool:
        try:
            with pinned_then(self._places, part.uri, FilePin.parse(part.pin)) as file, file.part(0, 1) as stream:
                stream.read(1)
        except TransientError:
            raise
        except HeadraceError:
            return False
        return True
