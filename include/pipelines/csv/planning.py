"""From what a run is told to read to batches over the rows of tables; every fault is found before any call."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from include.connections.files.arrivals import arrived_files, arrived_objects
from include.connections.files.named_folder import store_of
from include.connections.files.object_names import ObjectName, is_object_uri
from include.connections.files.places import Places
from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import Batch, RowRange
from include.engine.plan import MAX_BATCHES
from include.pipelines.csv.enrichment import Enrichment, needed_fields
from include.pipelines.csv.input.mapping import ColumnMapping, map_columns
from include.pipelines.csv.input.plans import TablePlan, whole
from include.pipelines.csv.input.tables import plan_table
from include.pipelines.csv.output.options import ERROR_COLUMN
from include.pipelines.csv.settings import CsvSettings
from include.pipelines.csv.steps.runner import check_steps
from include.warehouse.window import Window

log = logging.getLogger(__name__)

SUFFIXES = (".csv", ".tsv", ".xlsx")
"""Of files in an inbox, in any case. Others are passed over."""

MAX_LISTED_FAULTS = 50
"""The rest is counted."""


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """One that was read once and found in order."""

    uri: str
    plan: TablePlan
    mapping: ColumnMapping

    @property
    def part(self) -> RowRange | None:
        """All its rows; None where it has none."""
        parts = [batch.part for batch in self.plan.batches if isinstance(batch.part, RowRange)]
        return whole(parts) if parts else None


def run_files(settings: CsvSettings, places: Places, window: Window | None) -> Iterator[str]:
    """Absolute paths and URIs of the files that a run reads; raises `SettingsError`, `TransientError`."""
    if settings.file is not None:
        yield _spelt(places, settings.file, "file")
    elif settings.inbox is None:
        raise SettingsError("file: say which one to read, or set inbox in the Variable")
    elif is_object_uri(settings.inbox):
        store = store_of("inbox", places.objects)
        try:
            prefix = store.allowed(settings.inbox if settings.inbox.endswith("/") else f"{settings.inbox}/")
            yield from (str(found.name) for _, found in arrived_objects(store, prefix, SUFFIXES, window))
        except RecordRejected as refusal:
            raise SettingsError(f"inbox: {refusal}") from None
    else:
        yield from _on_disk(places, settings.inbox, window)


def _on_disk(places: Places, inbox: str, window: Window | None) -> Iterator[str]:
    try:
        folder = places.roots.resolve(inbox)
        if not folder.is_dir():
            raise SettingsError("inbox: there is no such folder")
        yield from (str(found.path) for found in arrived_files(folder, SUFFIXES, window))
    except RecordRejected as refusal:
        raise SettingsError(f"inbox: {refusal}") from None
    except OSError as error:
        raise SettingsError(f"inbox cannot be read: {type(error).__name__}") from None


def check_output_apart(settings: CsvSettings, places: Places) -> None:
    """Raises `SettingsError` for an output folder within the inbox: the next run would read what this one writes."""
    if settings.inbox is not None and _holds(places, settings.inbox, settings.output_folder):
        raise SettingsError("output_folder lies within inbox, whose files runs read: name a folder beside it")


def _holds(places: Places, inbox: str, folder: str | Path | None) -> bool:
    if isinstance(folder, str):
        return is_object_uri(inbox) and ObjectName.parse_folder(inbox).holds(ObjectName.parse_folder(folder))
    if folder is None or is_object_uri(inbox):
        return False
    try:
        return folder.resolve().is_relative_to(places.roots.resolve(inbox))
    except RecordRejected:  # who reads the inbox tells why it is refused
        return False


def _spelt(places: Places, path: str, setting: str) -> str:
    """One spelling for each file: keys of rows hold it."""
    if is_object_uri(path):
        return path
    try:
        return str(places.roots.resolve(path))
    except RecordRejected as refusal:
        raise SettingsError(f"{setting}: {refusal}") from None


def plan_tables(
    settings: CsvSettings, enrichment: Enrichment, places: Places, uris: Iterable[str], batch_size: int
) -> list[PlannedTable]:
    """Read each table once. Raises one `SettingsError` that lists every fault of steps, template and tables."""
    faults = enrichment.faults()
    sound = not faults
    tables: list[PlannedTable] = []
    for uri in uris:
        try:
            plan = plan_table(places, uri, settings.table_options(), batch_size)
        except SettingsError as error:
            faults.append(f"{uri}: {error}")
            continue
        found, mapping = _mapped(settings, enrichment, plan.header, sound=sound)
        faults += [f"{uri}: {fault}" for fault in found]
        if mapping is not None:
            tables.append(PlannedTable(uri, plan, mapping))
    if faults:
        more = f"; and {len(faults) - MAX_LISTED_FAULTS} more" if len(faults) > MAX_LISTED_FAULTS else ""
        raise SettingsError("; ".join(faults[:MAX_LISTED_FAULTS]) + more)
    for table in tables:
        _tell(table, enrichment.optional.difference(table.mapping.columns))
    return tables


def mapping_of(settings: CsvSettings, enrichment: Enrichment, header: Sequence[str]) -> ColumnMapping:
    """The columns that the steps read; raises one `SettingsError` that lists every fault of columns."""
    guessed = map_columns(header, {}, ()).columns
    steps = enrichment.steps({*guessed, *settings.mapping})
    made = [*enrichment.outputs, ERROR_COLUMN]
    return map_columns(header, settings.mapping, needed_fields(steps, enrichment.optional), made, settings.columns)


def _mapped(
    settings: CsvSettings, enrichment: Enrichment, header: Sequence[str], *, sound: bool
) -> tuple[list[str], ColumnMapping | None]:
    """What is wrong with the columns; where the steps are not `sound`, only what does not concern them."""
    try:
        if not sound:
            map_columns(header, settings.mapping, (), (), settings.columns)
            return [], None
        mapping = mapping_of(settings, enrichment, header)
        check_steps(enrichment.steps(mapping.columns), {*mapping.columns, *enrichment.optional})
    except SettingsError as error:
        return [str(error)], None
    return [], mapping


def _tell(table: PlannedTable, absent: Collection[str]) -> None:
    plan = table.plan
    limited = ", more beyond row_limit" if plan.limited else ""
    log.info("%s: %s; %d rows%s; %s", table.uri, plan.found, plan.rows, limited, table.mapping)
    if absent:
        log.info("%s: no column for %s, which the template can do without", table.uri, ", ".join(sorted(absent)))
    for warning in plan.warnings:
        log.warning("%s: %s", table.uri, warning)
    for code, count in sorted(plan.faulty.items()):
        log.warning("%s: %d rows will be rejected: %s", table.uri, count, code)


def numbered_batches(tables: Sequence[PlannedTable]) -> list[Batch]:
    """All batches of a run; neighbours of one table become one where there would be too many for a run.

    Raises `SettingsError` for more tables than batches are allowed.
    """
    batches = [batch for table in tables for batch in table.plan.batches]
    while len(batches) > MAX_BATCHES:
        fewer = [batch for _, group in groupby(batches, _table) for batch in _in_pairs(list(group))]
        if len(fewer) == len(batches):
            raise SettingsError(f"{len(fewer)} files in one run, {MAX_BATCHES} are allowed: narrow the window")
        batches = fewer
    return [replace(batch, index=index) for index, batch in enumerate(batches)]


def _table(batch: Batch) -> tuple[str, str]:
    part = batch.part
    return (part.uri, part.form) if isinstance(part, RowRange) else ("", "")


def _in_pairs(batches: list[Batch]) -> Iterator[Batch]:
    for start in range(0, len(batches), 2):
        pair = batches[start : start + 2]
        parts = [batch.part for batch in pair if isinstance(batch.part, RowRange)]
        yield Batch(0, whole(parts), sum(batch.planned_records for batch in pair))
