"""Resources, and deletions, in the files of a Bulk Data export."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from include.engine.errors import SettingsError
from include.engine.model import Batch, NamedSlice, Record
from include.engine.plan import MAX_BATCHES
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.folder import finished_export
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.records import deletion_of, record_of
from include.pipelines.fhir.source.line_files import LineFile, lines_between, plan_files

FILES, DELETIONS = "export ", "deletions "
"""What the names of slices begin with, before that of the export's folder."""

_PREFIX = "export-"
_DAY_S = 86_400

log = logging.getLogger(__name__)


class Exported:
    """The exports of a pipeline, each in a folder of its own within one that all tasks see."""

    def __init__(self, work_folder: Path | None) -> None:
        """Raises `SettingsError` where it is not there."""
        if work_folder is None or not work_folder.is_dir():
            raise SettingsError("work_folder must be the absolute path of a folder that is there and all tasks see")
        self._folder = work_folder

    def fetch(self, connect: Callable[[], FHIRClient], request: ExportRequest, name: str) -> Export:
        """Have the server export, or go on where an earlier call of this name stopped. May take hours."""
        with connect() as client:
            export = client.export(request, self._folder / f"{_PREFIX}{name}")
        log.info("the export is of %s", version_at(export.transaction_time))
        if export.searched:
            log.warning("the server has no $export and was searched: what it deleted stays in the tables")
        return export

    def finished(self, name: str) -> Export:
        """What was fetched under that name; raises `SourceChanged` where that is not there any more."""
        return finished_export(self._folder / f"{_PREFIX}{name}")

    def plan(self, export: Export, name: str, batch_size: int, most: int = MAX_BATCHES) -> list[Batch]:
        """At most `most` slices of the files, and of these one of all deletions, which are counted.

        Raises `FatalError` for a file of deletions that holds something else.
        """
        batches = plan_files(f"{FILES}{name}", _line_files(export), batch_size, most - 1)
        deletions = sum(1 for _ in export.deletions())
        if deletions:
            batches.append(Batch(len(batches), NamedSlice(f"{DELETIONS}{name}", None, None), deletions))
        return batches

    def read(self, part: NamedSlice) -> Iterator[Record]:
        """Records in the order of the files. Raises `SourceChanged` when they are gone."""
        kind, _, name = part.name.partition(" ")
        export = self.finished(name)
        version = version_at(export.transaction_time)
        if f"{kind} " == DELETIONS:
            return (deletion_of(*deleted, version) for deleted in export.deletions())
        lines = lines_between(_line_files(export), part.lower, part.upper)
        # What says no time was so at the time of the export.
        return (record_of(line, version) for _, line in lines)

    def sweep(self, keep: Collection[str], older_than_days: float, now_s: float | None = None) -> None:
        """Remove the folders of exports that nobody touched for so long, but those of `keep`."""
        oldest = (time.time() if now_s is None else now_s) - older_than_days * _DAY_S
        for folder in self._folder.glob(f"{_PREFIX}*"):
            if folder.name.removeprefix(_PREFIX) not in keep and folder.is_dir() and folder.stat().st_mtime < oldest:
                log.info("the files of an earlier export are removed: %s", folder.name)
                shutil.rmtree(folder, ignore_errors=True)


def _line_files(export: Export) -> list[LineFile]:
    return [LineFile(file.path, file.size, file.lines) for file in export.output]
