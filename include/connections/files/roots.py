"""Local files: only below the folders that the settings allow."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from include.connections.files.location import LocalFile, Location, ObjectPin
from include.connections.files.opening import unreadable
from include.engine.errors import RecordRejected, SettingsError


class Locate(Protocol):
    """From a path or URI that somebody wrote to where the bytes are, now. Called in one thread, a record at a time."""

    def __call__(self, path: str, pin: ObjectPin | None = None, /) -> Location:
        """`pin`: what an object was when the run was planned; files on disk have none.

        Raises `RecordRejected` for a path that is not allowed or not there, `TransientError` where asking again may
        help.
        """
        ...


class LocalRoots:
    """Finds files; a path outside all roots, also by way of a symbolic link, is refused whether it exists or not."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """Raises `SettingsError` for a root that is no folder or not absolute."""
        wrong = [str(root) for root in roots if not root.is_absolute() or not root.is_dir()]
        if wrong:
            raise SettingsError(f"roots: {', '.join(wrong)} must be absolute paths of folders")
        self._roots = [root.resolve() for root in roots]

    def __call__(self, path: str, pin: ObjectPin | None = None, /) -> LocalFile:
        """A relative path is looked for in one root after the other. Raises `RecordRejected`, `TransientError`."""
        del pin
        try:
            return _located(self.resolve(path))
        except OSError as error:
            raise unreadable(error) from None

    def resolve(self, path: str) -> Path:
        """The path that is meant, without symbolic links, whether something is there or not; raises as a call does."""
        candidates = [root / path for root in self._roots]
        try:
            allowed = [
                found for found in (one.resolve() for one in dict.fromkeys(candidates)) if self._is_allowed(found)
            ]
            if not allowed:
                raise RecordRejected("file.outside_roots", "the path leads outside the folders of the setting roots")
            return next((found for found in allowed if found.exists()), allowed[0])
        except (ValueError, RuntimeError):  # a NUL; links that go round
            raise RecordRejected("file.missing", "this is no path of a file") from None
        except OSError as error:
            raise unreadable(error) from None

    def _is_allowed(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._roots)


def _located(path: Path) -> LocalFile:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise RecordRejected("file.not_a_file", "the path leads to something that is no regular file")
    return LocalFile(str(path), found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino)
