"""Files that lie in a local folder, or below a prefix in S3, by the time at which they arrived."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ListedObject, ObjectStore
from include.warehouse.window import Window


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file on disk."""

    place: int
    """1-based, among all files of its kind in the folder."""
    path: Path
    size: int


def arrived_objects(
    store: ObjectStore, prefix: ObjectName, suffixes: tuple[str, ...], window: Window | None
) -> Iterator[tuple[int, ListedObject]]:
    """The objects that arrived, or were replaced, within the window, with their places in the listing, by key.

    Suffixes are in lower case, those of keys in any. Raises as `ObjectStore.listed`.
    """
    for place, found in enumerate(store.listed(prefix), 1):
        if found.name.key.lower().endswith(suffixes) and _within(found.modified, window):
            yield place, found


def arrived_files(folder: Path, suffixes: tuple[str, ...], window: Window | None) -> Iterator[ArrivedFile]:
    """The files of the folder and of those below it that arrived, or changed, within the window, by path.

    A folder that is moved in as a whole brings files whose times say nothing of it. Symbolic links are passed over; the
    names of one folder are in memory at once. Raises `OSError` for a folder that cannot be read.
    """
    for place, path in enumerate(_named(folder, suffixes), 1):
        try:
            found = path.lstat()
        except FileNotFoundError:  # it went while we looked
            continue
        if stat.S_ISREG(found.st_mode) and _within(_arrived(found), window):
            yield ArrivedFile(place, path, found.st_size)


def _arrived(found: os.stat_result) -> datetime:
    """`mv`, `cp -p` and `rsync -t` keep the modification time of long ago; no program can set the time of the change.

    A modification time in the future, of a host whose clock is ahead, would hide the file until then.
    """
    modified = found.st_mtime if found.st_mtime <= time.time() else 0.0
    return datetime.fromtimestamp(max(found.st_ctime, modified), UTC)


def _named(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if name.lower().endswith(suffixes))


def _raise(error: OSError) -> None:
    raise error


def _within(moment: datetime, window: Window | None) -> bool:
    return window is None or window.start <= moment < window.end
