"""The pipeline `fhir_views`: from settings, a server and a warehouse to source, transform and plan."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property

from include.connections.files.named_folder import named_folder
from include.connections.files.objects import ObjectStore
from include.connections.http.clock import Clock
from include.engine.model import Batch, Key, KeyListRange, Record
from include.engine.plan import MAX_BATCHES
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.reading import Reading, reading_of
from include.pipelines.fhir.records import resource_type_of
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.source.export_plan import ExportPlanner
from include.pipelines.fhir.source.exported import Exported
from include.pipelines.fhir.source.kept import KeptFolder
from include.pipelines.fhir.source.resources import ResourceSource
from include.pipelines.fhir.source.search_plan import Bounds, plan_searches, server_time
from include.pipelines.fhir.source.searched import Searched
from include.pipelines.fhir.streams import streams_of
from include.pipelines.fhir.transform import ViewsTransform, process_transform
from include.pipelines.fhir.views.reads import root_elements
from include.pipelines.fhir.watermark import Watermark, marks_of
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import listed_keys
from include.warehouse.runs import Run, first_success, last_watermark
from include.warehouse.window import Window

NAME = "fhir_views"

HASHED_AT_ONCE = 2047
"""Bytes. From 2,048 on hashlib lets go of the interpreter's lock, and to get it back from the reader or the writer
takes a thread a hundred times as long as to hash a resource."""


class FhirPipeline:
    """Built once a task; its parts are safe to use from many threads, planning is for one."""

    name = NAME

    def __init__(
        self,
        settings: FhirViewSettings,
        window: Window | None,
        server: FhirSettings,
        warehouse: Warehouse,
        *,
        run_ids: tuple[str, str] | None = None,
        clock: Clock | None = None,
        objects: ObjectStore | None = None,
    ) -> None:
        """`clock` is what clients wait by. `run_ids` are the ids of the Dag and of its run.

        They name the run's exports, so that its retry goes on with them; and it reads from the watermark of an earlier
        run, whether it is done for the first time or again.

        `objects` has a `kept_folder` in S3. Raises `SettingsError` for views with mistakes, all of them at once.
        """
        self.settings = settings
        self.mapping = Mapping(settings.view_folders, settings.views)
        self.target = self.mapping.target(NAME, settings.target_schema)
        self._window = window
        self._server = server
        self._warehouse = warehouse
        self._key_lists = warehouse
        self._run = None if run_ids is None else Run(NAME, self.target.name, *run_ids)
        self._clock = clock or Clock(threading.Event())
        self._objects = objects

    @cached_property
    def fingerprint(self) -> str:
        """Of all views and their tables."""
        return self.mapping.fingerprint(self.target)

    def obey(self, stop: threading.Event) -> None:
        """The warehouse may keep who reads its keys waiting; requests to the server go by the clock."""
        self._key_lists = self._warehouse.obeying(stop)

    def source(self) -> ResourceSource:
        """Asks the server when it is first read from."""
        elements = {name: root_elements(views) for name, views in self.mapping.by_type.items()}
        searched = Searched(self._connect, elements if self.settings.only_elements else {})
        return ResourceSource(
            searched, self._exported, self._kept, self._keys_of, keeps=self._keeps, vanished=self.settings.vanished
        )

    def transform(self) -> Transform | ProcessTransform:
        """Parses and flattens, in threads or in worker processes."""
        if self.settings.worker_kind == "processes":
            return process_transform(self.settings.view_folders, self.settings.views)
        return ViewsTransform(self.mapping)

    def content_hash(self, record: Record) -> str:
        """Of the resource's text and the views of its type."""
        digest = hashlib.sha256(self.mapping.meanings.get(resource_type_of(record), "").encode())
        text: bytes = record.payload or b""
        for start in range(0, len(text), HASHED_AT_ONCE):
            digest.update(text[start : start + HASHED_AT_ONCE])
        return digest.hexdigest()

    def scope(self) -> str:
        """What a run reads, for the log of its plan."""
        filters = f", by {' and '.join(self.settings.type_filters)}" if self.settings.type_filters else ""
        endless = self._reading.until is not None and self.settings.read_from == "export"
        more = "; an export has no end, so it brings later changes, too" if endless else ""
        return f"resources by {self.settings.read_from}: {self._reading}{filters}{more}"

    def plan(self, batch_size: int) -> list[Batch]:
        """Slices of all that the run reads, by time, by position in an export's files, or by kept file."""
        reading = self._reading
        plans: list[list[Batch]] = []
        share = MAX_BATCHES // 2 if reading.rebuilt and reading.since else MAX_BATCHES
        if reading.rebuilt:
            plans.append(self._kept().plan(reading.rebuilt, batch_size, share))
        if reading.since and self.settings.read_from == "export":
            plans.append(self._exports.plan(batch_size, share))
        elif reading.since:
            plans.append(self._plan_searches(reading, batch_size, share))
        return _numbered(plans)

    @property
    def reads_everything(self) -> bool:
        """No window, type, list or watermark leaves a resource out."""
        return self._reading.is_everything

    def read_at(self) -> datetime | None:
        """Of an export: a run that is done again, or whose plan is, goes on with the one that it has."""
        if self.settings.read_from != "export" or not self._reading.since:
            return None
        return self._exports.transaction_time().astimezone(UTC).replace(tzinfo=None)

    def watermark(self) -> str | None:
        """The server's time before anything is read, or that of the export; None for a run over a part."""
        reading = self._reading
        if reading.is_part:
            return None
        if self.settings.read_from == "export":
            moment = self._exports.transaction_time()
        else:
            with self._connect() as client:
                moment = server_time(client, streams_of(reading.since, self.settings.type_filters)[0])
        return str(Watermark(moment, frozenset(self._marks.values())))

    @cached_property
    def _marks(self) -> dict[str, str]:
        """By type: what its rows come from."""
        filters = {
            name: [s.name for s in streams_of([name], self.settings.type_filters)] for name in self.mapping.by_type
        }
        return marks_of({name: f"{meaning} {filters[name]}" for name, meaning in self.mapping.meanings.items()})

    @property
    def _keeps(self) -> bool:
        """A dry run writes nothing."""
        return self.settings.kept_folder is not None and not self.settings.dry_run

    @cached_property
    def _reading(self) -> Reading:
        if self._keeps:
            self._kept().check()  # an export, which comes next, may take hours
        stored = Watermark.parsed(last_watermark(self._warehouse, self.name, self.target.name, before=self._run))
        return reading_of(self.settings, self._window, stored, self._marks, self._kept_whole)

    @cached_property
    def _exports(self) -> ExportPlanner:
        return ExportPlanner(self._exported(), self._connect, self._reading, self.settings, self._run_key)

    @property
    def _run_key(self) -> str:
        ids = "run" if self._run is None else f"{self._run.dag_id}/{self._run.run_id}"
        return hashlib.sha256(ids.encode()).hexdigest()[:16]

    def _plan_searches(self, reading: Reading, batch_size: int, most: int) -> list[Batch]:
        wanted = [
            (stream, Bounds(reading.since[stream.resource_type], reading.until))
            for stream in streams_of(reading.since, self.settings.type_filters)
        ]
        with self._connect() as client:
            return plan_searches(client, wanted, batch_size, datetime.now(UTC), most)

    def _kept_whole(self) -> set[str]:
        """Types of which resources were kept by the first run already."""
        first = first_success(self._warehouse, self.name, self.target.name)
        kept = self._kept()
        began = {name: kept.began(name) for name in self.mapping.by_type}
        return {name for name, moment in began.items() if moment is not None and (first is None or moment <= first)}

    def _connect(self) -> FHIRClient:
        return FHIRClient(self._server, clock=self._clock)

    def _exported(self) -> Exported:
        return Exported(self.settings.work_folder)

    def _kept(self) -> KeptFolder:
        return KeptFolder(named_folder("kept_folder", self.settings.kept_folder, self._objects))

    def _keys_of(self, part: KeyListRange) -> Iterator[Key]:
        return listed_keys(self._key_lists, part)


def _numbered(plans: Sequence[Sequence[Batch]]) -> list[Batch]:
    return [replace(batch, index=index) for index, batch in enumerate(batch for plan in plans for batch in plan)]
