from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from include.connections.files.location import LocalFile
from include.connections.files.opening import opened, unreadable
from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected, TransientError


@pytest.fixture
def located(folder: Path) -> LocalFile:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 " + b"x" * 3000)
    return LocalRoots([folder])("a.pdf")


def change_size(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"y")


def change_bytes(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7 " + b"y" * 3000)
    os.utime(path, ns=(1, 1))


def replace_file(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(path.stat().st_mtime_ns,) * 2)
    other.replace(path)


@pytest.mark.parametrize("change", [change_size, change_bytes, replace_file])
def test_a_file_that_is_another_one_than_was_located_is_rejected(located: LocalFile, change: object) -> None:
    assert callable(change)
    change(Path(located.path))
    with pytest.raises(RecordRejected, match=r"file\.source_changed"), opened(located):
        pass


def test_a_file_that_is_written_to_while_it_is_open_is_rejected(located: LocalFile) -> None:
    with pytest.raises(RecordRejected, match=r"file\.source_changed"), opened(located):
        change_bytes(Path(located.path))


def test_a_link_that_took_the_files_place_is_not_followed(located: LocalFile, folder: Path) -> None:
    Path(located.path).rename(folder / "b.pdf")
    Path(located.path).symlink_to(folder / "b.pdf")
    with pytest.raises(RecordRejected, match=r"file\.source_changed"), opened(located):
        pass


def test_a_pipe_that_took_the_files_place_is_not_waited_for(located: LocalFile) -> None:
    Path(located.path).unlink()
    os.mkfifo(located.path)
    with pytest.raises(RecordRejected, match=r"file\.source_changed"), opened(located):
        pass


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (errno.ENOENT, RecordRejected, "file.missing"),
        (errno.EACCES, RecordRejected, "file.denied"),
        (errno.EIO, TransientError, "Input/output error"),
        (errno.ESTALE, TransientError, "Stale file handle"),
    ],
)
def test_an_error_of_the_file_system_is_named_by_what_to_do_and_not_by_the_path(
    number: int, kind: type, text: str
) -> None:
    error = unreadable(OSError(number, "x", "a/secret/path"))
    assert isinstance(error, kind)
    assert text in str(error)
    assert "secret" not in str(error)
