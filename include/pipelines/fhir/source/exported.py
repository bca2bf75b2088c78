"""Resources, and deletions, in the files of a Bulk Data export."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from contextlib import closing
from pathlib import Path

from include.engine.errors import FatalError, SettingsError
from include.engine.model import Batch, NamedSlice, Record
from include.engine.plan import MAX_BATCHES
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.export.folder import finished_export
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.records import deletion_of, record_of, unread_record
from include.pipelines.fhir.source.line_files import LineFile, LongLine, lines_between, plan_files

FILES, DELETIONS = "export ", "deletions "
"""What the names of slices begin with, before that of the export's folder."""

MAX_DOUBTFUL = 5_000
"""Keys, held in memory and looked up one by one."""

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
        """Records of a slice of the files, in their order. Raises `SourceChanged` when they are gone."""
        export = self.finished(part.name.removeprefix(FILES))
        # What says no time was so at the time of the export.
        return _records(lines_between(_line_files(export), part.lower, part.upper), version_at(export.transaction_time))

    def deletions(self, part: NamedSlice) -> tuple[Iterator[Record], Set[str]]:
        """What an export calls deleted, and the keys of which it does so while it holds them, too.

        Bulk Data forbids that, and a resource that came back under its id brings servers to it: the files cannot
        decide, so these keys are not among the records. Reads all files of the export. Raises `SourceChanged` when they
        are gone, `FatalError` for thousands of such keys: no deletion of that server is to be believed.
        """
        export = self.finished(part.name.removeprefix(DELETIONS))
        version = version_at(export.transaction_time)
        doubtful = _doubtful(export)
        if doubtful:
            log.warning("the export holds %d resources that it calls deleted: the server is asked", len(doubtful))
        deleted = (deletion_of(*names, version) for names in export.deletions())
        return (record for record in deleted if record.key not in doubtful), doubtful

    def sweep(self, keep: Collection[str], older_than_days: float, now_s: float | None = None) -> None:
        """Remove the folders of exports that nobody touched for so long, but those of `keep`."""
        oldest = (time.time() if now_s is None else now_s) - older_than_days * _DAY_S
        for folder in self._folder.glob(f"{_PREFIX}*"):
            if folder.name.removeprefix(_PREFIX) not in keep and folder.is_dir() and folder.stat().st_mtime < oldest:
                log.info("the files of an earlier export are removed: %s", folder.name)
                shutil.rmtree(folder, ignore_errors=True)


def _doubtful(export: Export) -> set[str]:
    found: set[str] = set()
    with closing(SeenKeys()) as deleted:
        for names in export.deletions():
            deleted.add("/".join(names))
        for record in _records(lines_between(_line_files(export), None, None), ""):
            if str(record.key) in deleted:
                found.add(str(record.key))
            if len(found) > MAX_DOUBTFUL:
                raise FatalError(f"the export holds over {MAX_DOUBTFUL:,} resources that it calls deleted")
    return found


def _records(lines: Iterable[bytes | LongLine], version: str) -> Iterator[Record]:
    for line in lines:
        if isinstance(line, LongLine):
            yield unread_record(line.digest, 0, f"a line of {line.size:,} bytes is too long for a resource")
        else:
            yield record_of(line, version)


def _line_files(export: Export) -> list[LineFile]:
    return [LineFile(file.path, file.size, file.lines) for file in export.output]
