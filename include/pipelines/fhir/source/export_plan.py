"""The exports of a run: fetched when the plan, or its watermark, first asks for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cached_property

from include.engine.model import Batch
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export
from include.pipelines.fhir.reading import Reading
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.source.exported import Exported
from include.pipelines.fhir.source.searched import Connect


class ExportPlanner:
    """One export for all types that are read from the same change on. For one thread."""

    def __init__(
        self, exported: Exported, connect: Connect, reading: Reading, settings: FhirViewSettings, run_key: str
    ) -> None:
        """`run_key` names the run: the retry of a plan goes on with its exports."""
        self._exported = exported
        self._connect = connect
        self._reading = reading
        self._settings = settings
        self._run_key = run_key

    def transaction_time(self) -> datetime:
        """By the server's clock: what changed later needs to be in none of the files."""
        return min(export.transaction_time for export in self._exports.values())

    def plan(self, batch_size: int, most: int) -> list[Batch]:
        """At most `most` slices of the files, and one of the deletions of each export."""
        share = most // len(self._exports)
        batches = [
            batch
            for name, export in self._exports.items()
            for batch in self._exported.plan(export, name, batch_size, share)
        ]
        return [replace(batch, index=index) for index, batch in enumerate(batches)]

    @cached_property
    def _exports(self) -> dict[str, Export]:
        """By the name that batches have for them."""
        # After a clear the same run may ask for something else, since the watermark has moved on.
        requests = {f"{self._run_key}-{each.fingerprint('')[:8]}": each for each in self._requests()}
        self._exported.sweep(requests, self._settings.export_keep_days)
        return {name: self._exported.fetch(self._connect, request, name) for name, request in requests.items()}

    def _requests(self) -> list[ExportRequest]:
        settings = self._settings
        return [
            ExportRequest(
                types=types,
                since=since,
                type_filters=tuple(text for text in settings.type_filters if text.partition("?")[0] in types),
                patients_only=settings.export_patients_only,
                group_id=settings.export_group,
            )
            for since, types in self._reading.by_start()
        ]
