"""Resources as they were read, kept as compressed NDJSON: changed views are filled from them without the server."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import BinaryIO

from include.connections.files.folder import FileFolder
from include.engine.errors import FatalError, HeadraceError, RecordRejected, SettingsError, SourceChanged
from include.engine.model import Batch, NamedSlice, Record
from include.engine.plan import MAX_BATCHES
from include.engine.slices import CountedRange, fitted
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.records import record_of, resource_type_of
from include.pipelines.fhir.source.kept_file import KeptFile, KeptName, Stem, lines_of

KEPT = "kept "
"""What the names of slices begin with, before the type."""


class KeptFolder:
    """`<folder>/<type>/<moment>-<random>-<lines>.ndjson.gz`, complete or not there: one a type and batch, or few.

    Deletions are not kept: the warehouse remembers them, and lets nothing older back. Its methods raise `SettingsError`
    where the place refuses, `TransientError` where asking again may help.
    """

    def __init__(self, folder: FileFolder) -> None:
        self._folder = folder

    def check(self) -> None:
        """Whether it is there, and may be listed; nothing is said of writing."""
        next(self._folder.names(), None)

    def keeping(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; those with content are kept when the last of them was asked for, else none."""
        stem = Stem.now()
        with ExitStack() as growing:
            files: dict[str, list[KeptFile]] = {}
            for record in records:
                if record.payload is not None:
                    name = resource_type_of(record)
                    of_type = files.setdefault(name, [])
                    if not of_type or of_type[-1].is_full:
                        folder = self._folder.below(name)
                        of_type.append(KeptFile(folder, growing.enter_context(folder.growing())))
                    of_type[-1].write(record.payload)
                yield record
            _complete(files.values(), stem)

    def began(self, resource_type: str) -> datetime | None:
        """When the oldest file of the type was begun, UTC; None where there is none."""
        first = next(self._found(resource_type), None)
        return None if first is None else first[1].moment

    def plan(self, resource_types: Iterable[str], batch_size: int, most: int = MAX_BATCHES) -> list[Batch]:
        """Slices of about `batch_size` lines, by name of file, so by time; counted as kept, with older versions."""
        types: list[tuple[str, list[str]]] = []
        listed: list[list[CountedRange]] = []
        for name in sorted(resource_types):
            if found := list(self._found(name)):
                types.append((name, [each for each, _ in found]))
                listed.append([CountedRange(at, at + 1, each.lines) for at, (_, each) in enumerate(found)])
        batches: list[Batch] = []
        for (name, names), ranges in zip(types, fitted(listed, batch_size, most), strict=True):
            for each in ranges:
                upper = names[each.upper] if each.upper < len(names) else None
                part = NamedSlice(f"{KEPT}{name}", names[each.lower], upper)
                batches.append(Batch(len(batches), part, each.records, estimated=True))
        return batches

    def read(self, part: NamedSlice) -> Iterator[Record]:
        """Of each resource the state that was read last within the slice. Memory: the keys of one file, and `SeenKeys`.

        States of other slices do not matter: their versions decide. Raises `SourceChanged` for a file that is gone,
        `FatalError` for a broken one.
        """
        resource_type = part.name.removeprefix(KEPT)
        chosen = [
            found
            for found in self._found(resource_type)
            if (part.lower is None or found[0] >= part.lower) and (part.upper is None or found[0] < part.upper)
        ]
        seen = SeenKeys()
        try:
            for name, told in reversed(chosen):
                with self._opened(resource_type, name) as file:
                    yield from _newest(file, f"{resource_type}/{name}", version_at(told.moment), seen)
        finally:
            seen.close()

    def _found(self, resource_type: str) -> Iterator[tuple[str, KeptName]]:
        """The oldest first."""
        for name in self._folder.below(resource_type).names():
            if (told := KeptName.parse(name)) is not None:
                yield name, told

    @contextmanager
    def _opened(self, resource_type: str, name: str) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._folder.below(resource_type).opened(name))
            except RecordRejected as refusal:
                if refusal.code == "file.missing":
                    gone = f"{resource_type}/{name} was removed from kept_folder: trigger a new run"
                    raise SourceChanged(gone) from None
                raise SettingsError(f"kept_folder: {resource_type}/{name}: {refusal.message}") from None
            yield file


def _complete(files: Iterable[list[KeptFile]], stem: Stem) -> None:
    """All or none: the next attempt at the batch keeps all of it."""
    begun: list[KeptFile] = []
    try:
        for of_type in files:
            for number, file in enumerate(of_type):
                begun.append(file)
                file.complete(stem, number)
    except BaseException:
        with suppress(HeadraceError):  # what is left does no harm, and a place that is gone is not asked for each
            for file in begun:
                file.withdraw()
        raise


def _newest(file: BinaryIO, label: str, version: str, seen: SeenKeys) -> Iterator[Record]:
    last = {record.key: number for number, record in enumerate(_records(file, label, version))}
    for number, record in enumerate(_records(file, label, version)):
        if last[record.key] == number and seen.add(str(record.key)):
            yield record


def _records(file: BinaryIO, label: str, version: str) -> Iterator[Record]:
    try:
        for line in lines_of(file):
            yield record_of(line, version)
    except (OSError, EOFError, zlib.error) as error:
        reason = type(error).__name__
        raise FatalError(
            f"kept_folder: {label} cannot be read ({reason}): remove it, and read from the server again"
        ) from None
