"""Where text files are kept, under fixed names: a reader sees a whole file, the old one or the new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.pdf.content.object_names import ObjectName
from include.pipelines.pdf.content.objects import ObjectStore


class TextFolder(Protocol):
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
class LocalTexts:
    """In a folder on disk; the files are readable by this user only."""

    folder: Path

    def has(self, name: str) -> bool:
        """See `TextFolder`."""
        return (self.folder / name).is_file()

    def put(self, name: str, file: IO[bytes]) -> None:
        """See `TextFolder`."""
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=".text-", dir=self.folder)
            try:
                with os.fdopen(descriptor, "wb") as copy:
                    file.seek(0)
                    shutil.copyfileobj(file, copy)
                Path(temporary).replace(self.folder / name)
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            raise _refused(error) from None

    def remove(self, name: str) -> None:
        """See `TextFolder`."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _refused(error) from None


def _refused(error: OSError) -> SettingsError:
    return SettingsError(f"text_folder does not take a file: {type(error).__name__}")


@dataclass(frozen=True, slots=True)
class ObjectTexts:
    """Below a prefix in S3."""

    store: ObjectStore
    folder: ObjectName

    def has(self, name: str) -> bool:
        """See `TextFolder`."""
        try:
            return self.store.has(self.folder.below(name))
        except RecordRejected as refusal:
            raise _denied(refusal) from None

    def put(self, name: str, file: IO[bytes]) -> None:
        """See `TextFolder`."""
        try:
            self.store.put(self.folder.below(name), file)
        except RecordRejected as refusal:
            raise _denied(refusal) from None

    def remove(self, name: str) -> None:
        """See `TextFolder`."""
        try:
            self.store.remove(self.folder.below(name))
        except RecordRejected as refusal:
            raise _denied(refusal) from None


def _denied(refusal: RecordRejected) -> SettingsError:
    return SettingsError(f"text_folder does not take a file: {refusal.message}")
