from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from include.engine.errors import RecordRejected, TransientError
from include.pipelines.pdf.content.location import LocalFile
from include.pipelines.pdf.content.open_content import open_content, unreadable
from include.pipelines.pdf.content.roots import LocalRoots


@pytest.fixture
def located(folder: Path) -> LocalFile:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 " + b"x" * 3000)
    return LocalRoots([folder])("a.pdf")


def test_size_digest_and_head_are_those_of_the_file_and_its_path_is_the_descriptors(located: LocalFile) -> None:
    whole = Path(located.path).read_bytes()
    with open_content(located, 10_000) as content:
        assert (content.size, content.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
        assert content.head == whole[:1024]
        Path(located.path).unlink()
        assert Path(content.path).read_bytes() == whole


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
    with pytest.raises(RecordRejected, match=r"pdf\.source_changed"), open_content(located, 10_000):
        pass


def test_a_file_that_is_written_to_while_it_is_open_is_rejected(located: LocalFile) -> None:
    with pytest.raises(RecordRejected, match=r"pdf\.source_changed"), open_content(located, 10_000):
        change_bytes(Path(located.path))


def test_a_link_that_took_the_files_place_is_not_followed(located: LocalFile, folder: Path) -> None:
    Path(located.path).rename(folder / "b.pdf")
    Path(located.path).symlink_to(folder / "b.pdf")
    with pytest.raises(RecordRejected, match=r"pdf\.source_changed"), open_content(located, 10_000):
        pass


def test_a_pipe_that_took_the_files_place_is_not_waited_for(located: LocalFile) -> None:
    Path(located.path).unlink()
    os.mkfifo(located.path)
    with pytest.raises(RecordRejected, match=r"pdf\.source_changed"), open_content(located, 10_000):
        pass


def test_a_file_that_is_gone_or_too_large_is_rejected(located: LocalFile) -> None:
    with (
        pytest.raises(RecordRejected, match=r"pdf\.too_large: 3009 bytes, 3008 are allowed"),
        open_content(located, 3008),
    ):
        pass
    Path(located.path).unlink()
    with pytest.raises(RecordRejected, match=r"pdf\.missing"), open_content(located, 10_000):
        pass


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (errno.ENOENT, RecordRejected, "pdf.missing"),
        (errno.EACCES, RecordRejected, "pdf.denied"),
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
