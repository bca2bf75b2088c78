"""Renders the files of a run in the order of their rows, under fixed names."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from include.connections.files.folder import FileFolder
from include.connections.files.places import Places
from include.engine.errors import FatalError
from include.engine.model import Batch, RowRange
from include.pipelines.csv.finished_rows import finished_rows
from include.pipelines.csv.input.forms import parse_form
from include.pipelines.csv.input.plans import whole
from include.pipelines.csv.keys import TableKeys
from include.pipelines.csv.output.options import OutputOptions
from include.pipelines.csv.output.render import Rendered, output_kind, render_table
from include.warehouse.connection import Warehouse
from include.warehouse.target import Target

log = logging.getLogger(__name__)

MAX_STEM = 100
"""Characters of an input file's name that its output's has."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the files of a run."""

    rendered: Mapping[str, Rendered]
    """By the input file."""
    unfinished: Sequence[str]
    """Files of which a batch has not succeeded."""
    failed: Mapping[str, str]
    """Files that could not be rendered, with the reason."""

    @property
    def rows(self) -> int:
        """In all files that were rendered."""
        return sum(one.rows for one in self.rendered.values())


@dataclass(frozen=True, slots=True)
class Merge:
    """The files of one pipeline."""

    warehouse: Warehouse
    owner: tuple[str, Target]
    """The pipeline's name and its target."""
    places: Places
    folder: FileFolder
    options: OutputOptions
    generated: Sequence[str]

    def render(self, parts: Iterable[RowRange], unfinished: Sequence[str], stop: threading.Event) -> Merged:
        """Each table once, whatever became of the others. Raises `BatchStopped`, `TransientError`."""
        rendered: dict[str, Rendered] = {}
        failed: dict[str, str] = {}
        for part in parts:
            rows = finished_rows(self.warehouse, *self.owner, part)
            name = output_name(part, self.options)
            try:
                rendered[part.uri] = render_table(
                    self.places,
                    part,
                    rows,
                    generated=self.generated,
                    options=self.options,
                    folder=self.folder,
                    name=name,
                    stop=stop,
                )
            except FatalError as error:
                failed[part.uri] = str(error)
            else:
                done = rendered[part.uri]
                log.info("%s: %d rows, %d failed, as %s to %s", part.uri, done.rows, done.failed, done.how, done.name)
        return Merged(rendered, unfinished, failed)


def output_name(part: RowRange, options: OutputOptions) -> str:
    """`leads.3f2a9c01.enriched.csv`: the file's own name, and digits that tell it from others of that name or sheet."""
    stem = re.sub(r"[^\w.\-]", "_", PurePosixPath(part.uri).stem)[:MAX_STEM]
    digest = hashlib.sha256(TableKeys(part).name.encode()).hexdigest()[:8]
    return f"{stem}.{digest}.enriched.{output_kind(parse_form(part.form), options)}"


def complete_tables(batches: Sequence[Batch], done: Collection[int]) -> tuple[list[RowRange], list[str]]:
    """Tables all of whose batches have succeeded, whole; and the files of the others."""
    tables: dict[str, list[Batch]] = {}
    for batch in batches:
        if isinstance(batch.part, RowRange):
            tables.setdefault(TableKeys(batch.part).table, []).append(batch)
    complete: list[RowRange] = []
    unfinished: list[str] = []
    for mine in tables.values():
        parts = [batch.part for batch in mine if isinstance(batch.part, RowRange)]
        if all(batch.index in done for batch in mine):
            complete.append(whole(parts))
        else:
            unfinished.append(parts[0].uri)
    return complete, unfinished
