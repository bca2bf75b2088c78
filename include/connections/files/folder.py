"""Where files are kept, under fixed names: a reader sees a whole file, the old one or the new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from include.connections.files.growing import GrowingFile
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.connections.files.opening import unreadable
from include.connections.files.unfinished import UNFINISHED, unfinished
from include.engine.errors import RecordRejected, SettingsError, TransientError


class FileFolder(Protocol):
    """Its methods raise `SettingsError` where the place refuses, `TransientError` where asking again may help."""

    def below(self, name: str) -> FileFolder:
        """A folder in this one, which need not be there."""
        ...

    def names(self) -> Iterator[str]:
        """Of the whole files, sorted by code points, those of folders below left out. None where there is no folder."""
        ...

    def opened(self, name: str) -> AbstractContextManager[BinaryIO]:
        """The file at its beginning, on this machine: its reader may take its time, and go back.

        Raises `RecordRejected` (`file.missing`, `file.denied`) instead of `SettingsError`.
        """
        ...

    def growing(self) -> AbstractContextManager[GrowingFile]:
        """A new file, and the folder, but not the one above, where it is not there.

        One that is not kept leaves nothing.
        """
        ...

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

    def below(self, name: str) -> LocalFolder:
        """See `FileFolder`."""
        return replace(self, folder=self.folder / name)

    def names(self) -> Iterator[str]:
        """See `FileFolder`."""
        try:
            with os.scandir(self.folder) as entries:
                found = sorted(entry.name for entry in entries if entry.is_file())
        except FileNotFoundError:
            return
        except OSError as error:
            raise SettingsError(f"{self.setting} cannot be listed: {type(error).__name__}") from None
        yield from (name for name in found if not name.startswith(UNFINISHED))

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """See `FileFolder`."""
        try:
            file = (self.folder / name).open("rb")
        except OSError as error:
            raise unreadable(error) from None
        with file:
            yield file

    @contextmanager
    def growing(self) -> Iterator[GrowingFile]:
        """See `FileFolder`."""
        with ExitStack() as stack:
            try:
                self.folder.mkdir(mode=0o700, exist_ok=True)
                path, file = stack.enter_context(unfinished(self.folder))
            except OSError as error:
                raise self._refused(error) from None

            def name_it(name: str) -> None:
                os.fsync(file.fileno())
                path.rename(self.folder / name)

            yield stack.enter_context(closing(GrowingFile(file, name_it, self._refused)))

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

    def below(self, name: str) -> ObjectFolder:
        """See `FileFolder`."""
        return replace(self, folder=self.folder.below(f"{name}/"))

    def names(self) -> Iterator[str]:
        """See `FileFolder`."""
        try:
            for found in self.store.listed(self.folder, nested=False):
                if name := found.name.key.removeprefix(self.folder.key):
                    yield name
        except RecordRejected as refusal:
            raise SettingsError(f"{self.setting} cannot be listed: {refusal.message}") from None

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """See `FileFolder`."""
        with _temporary_file() as file:
            try:
                self.store.copy(self.folder.below(name), file)
                file.seek(0)
            except OSError as error:
                raise _no_room(error) from None
            yield file

    @contextmanager
    def growing(self) -> Iterator[GrowingFile]:
        """See `FileFolder`. The file is on this machine until it is kept, and is put again where that went wrong."""
        with _temporary_file() as file, closing(GrowingFile(file, lambda name: self.put(name, file), _no_room)) as new:
            yield new

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


@contextmanager
def _temporary_file() -> Iterator[BinaryIO]:
    """One without a name, so that it goes with this process, whatever ends that."""
    try:
        file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115 - closed below
    except OSError as error:
        raise _no_room(error) from None
    try:
        yield file
    finally:
        with suppress(OSError):  # of what it could not take: that was told
            file.close()


def _no_room(error: OSError) -> TransientError:
    return TransientError(f"there is no room for a temporary file: {type(error).__name__}")
