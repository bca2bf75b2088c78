"""Where files are kept, under fixed names: a reader sees a whole file, the old one or the new one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.connections.files.unfinished import unfinished
from include.engine.errors import RecordRejected, SettingsError


class FileFolder(Protocol):
    """Its methods raise `SettingsError` where the place refuses, `TransientError` where asking again may help."""

    def has(self, name: str) -> bool:
        """Whether a file of this name is there."""
        ...

    def put(self, name: str, file: IO[bytes]) -> None:
        """Keep a file from its beginning."""
        ...

    def remove(self, name: str) -> None:
        """Harmless for one that is not there."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """In a folder on disk; the files are readable by this user only."""

    folder: Path
    setting: str
    """The setting that names it, for errors."""

    def has(self, name: str) -> bool:
        """See `FileFolder`."""
        return (self.folder / name).is_file()

    def put(self, name: str, file: IO[bytes]) -> None:
        """See `FileFolder`."""
        try:
            with unfinished(self.folder) as (path, copy):
                file.seek(0)
                shutil.copyfileobj(file, copy)
                copy.flush()
                path.replace(self.folder / name)
        except OSError as error:
            raise self._refused(error) from None

    def remove(self, name: str) -> None:
        """See `FileFolder`."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> SettingsError:
        return SettingsError(f"{self.setting} does not take a file: {type(error).__name__}")


@dataclass(frozen=True, slots=True)
class ObjectFolder:
    """Below a prefix in S3."""

    store: ObjectStore
    folder: ObjectName
    setting: str
    """As `LocalFolder.setting`."""

    def has(self, name: str) -> bool:
        """See `FileFolder`."""
        try:
            return self.store.has(self.folder.below(name))
        except RecordRejected as refusal:
            raise self._denied(refusal) from None

    def put(self, name: str, file: IO[bytes]) -> None:
        """See `FileFolder`."""
        try:
            self.store.put(self.folder.below(name), file)
        except RecordRejected as refusal:
            raise self._denied(refusal) from None

    def remove(self, name: str) -> None:
        """See `FileFolder`."""
        try:
            self.store.remove(self.folder.below(name))
        except RecordRejected as refusal:
            raise self._denied(refusal) from None

    def _denied(self, refusal: RecordRejected) -> SettingsError:
        return SettingsError(f"{self.setting} does not take a file: {refusal.message}")
