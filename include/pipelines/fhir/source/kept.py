"""Resources as they were read, kept as compressed NDJSON: changed views are filled from them without the server."""

from __future__ import annotations

import gzip
import os
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from include.engine.errors import FatalError, SettingsError, SourceChanged
from include.engine.model import Batch, NamedSlice, Record
from include.engine.plan import MAX_BATCHES
from include.engine.slices import CountedRange, fitted
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.records import record_of, resource_type_of

KEPT = "kept "
"""What the names of slices begin with, before the type."""

LEVEL = 1
"""Of the compression: a higher one would take longer than the views."""

_NAME = re.compile(r"(?P<stamp>\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{8}-(?P<lines>\d+)\.ndjson\.gz")


class KeptFolder:
    """`<folder>/<type>/<moment>-<random>-<lines>.ndjson.gz`: one file a type and batch, complete or not there.

    Deletions are not kept: the warehouse remembers them, and lets nothing older back.
    """

    def __init__(self, folder: Path | None) -> None:
        """Raises `SettingsError` where it is not there."""
        if folder is None or not folder.is_dir():
            raise SettingsError("kept_folder must be the absolute path of a folder that is there and all tasks see")
        self._folder = folder

    def keeping(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records; those with content are kept when the last of them was asked for, else none."""
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
        files: dict[str, _File] = {}
        try:
            for record in records:
                if record.payload is not None:
                    name = resource_type_of(record)
                    file = files.get(name)
                    if file is None:
                        file = files[name] = _File(self._folder / name, stamp)
                    file.write(record.payload)
                yield record
            for file in files.values():
                file.complete()
        except BaseException:
            for file in files.values():
                file.drop()
            raise

    def began(self, resource_type: str) -> datetime | None:
        """When the oldest file of the type was begun, UTC; None where there is none."""
        names = self._names(resource_type)
        return _moment(names[0].partition("-")[0]) if names else None

    def plan(self, resource_types: Iterable[str], batch_size: int, most: int = MAX_BATCHES) -> list[Batch]:
        """Slices of about `batch_size` lines, by name of file, so by time; counted as kept, with older versions."""
        types: list[tuple[str, list[str]]] = []
        listed: list[list[CountedRange]] = []
        for name in sorted(resource_types):
            if names := self._names(name):
                types.append((name, names))
                listed.append([CountedRange(at, at + 1, _lines_of(found)) for at, found in enumerate(names)])
        batches: list[Batch] = []
        for (name, names), ranges in zip(types, fitted(listed, batch_size, most), strict=True):
            for each in ranges:
                upper = names[each.upper] if each.upper < len(names) else None
                part = NamedSlice(f"{KEPT}{name}", names[each.lower], upper)
                batches.append(Batch(len(batches), part, each.records, estimated=True))
        return batches

    def read(self, part: NamedSlice) -> Iterator[Record]:
        """Of each resource the state that was read last within the slice. Memory: the keys of one file, and `SeenKeys`.

        States of other slices do not matter: their versions decide.
        """
        folder = self._folder / part.name.removeprefix(KEPT)
        names = [
            name
            for name in self._names(folder.name)
            if (part.lower is None or name >= part.lower) and (part.upper is None or name < part.upper)
        ]
        seen = SeenKeys()
        try:
            for name in reversed(names):
                yield from self._newest(folder / name, seen)
        finally:
            seen.close()

    def _newest(self, path: Path, seen: SeenKeys) -> Iterator[Record]:
        stamp = _NAME.fullmatch(path.name)
        version = version_at(_moment(stamp["stamp"])) if stamp else None
        last = {record.key: number for number, record in enumerate(_records(path, version))}
        for number, record in enumerate(_records(path, version)):
            if last[record.key] == number and seen.add(str(record.key)):
                yield record

    def _names(self, resource_type: str) -> list[str]:
        """Of complete files, the oldest first."""
        try:
            names = [path.name for path in (self._folder / resource_type).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(filter(_NAME.fullmatch, names))


class _File:
    """One that grows."""

    def __init__(self, folder: Path, stamp: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._stamp = stamp
        self._path = folder / f"{stamp}.part"
        descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._raw: BinaryIO = os.fdopen(descriptor, "wb")
        self._zip = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=LEVEL)
        self._lines = 0

    def write(self, text: bytes) -> None:
        """A line; text that was read from a line holds no end of one."""
        self._zip.write(text + b"\n")
        self._lines += 1

    def complete(self) -> None:
        """On the disk to the last byte, then under its name."""
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        self._path.rename(self._path.with_name(f"{self._stamp}-{self._lines}.ndjson.gz"))

    def drop(self) -> None:
        """The batch did not come to its end: its next attempt keeps all of it."""
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._raw.close()
        self._path.unlink(missing_ok=True)


def _records(path: Path, version: str | None) -> Iterator[Record]:
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                yield record_of(line.rstrip(b"\n"), version)
    except FileNotFoundError:
        raise SourceChanged(f"{path.name} was removed from kept_folder: trigger a new run") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = type(error).__name__
        raise FatalError(f"{path} cannot be read ({reason}): remove it, and read from the server again") from None


def _lines_of(name: str) -> int:
    found = _NAME.fullmatch(name)
    return int(found["lines"]) if found else 0


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
