from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected, SettingsError


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret.pdf").write_bytes(b"%PDF-")
    return path


def test_a_file_below_a_root_is_found_and_pinned(folder: Path) -> None:
    (folder / "case").mkdir()
    file = folder / "case/a.pdf"
    file.write_bytes(b"%PDF-1.7")
    for name in ("case/a.pdf", str(file), "case/../case/a.pdf"):
        found = LocalRoots([folder])(name)
        assert (found.path, found.size) == (str(file), 8)
        assert (found.inode, found.modified_ns) == (file.stat().st_ino, file.stat().st_mtime_ns)


def test_a_relative_path_is_looked_for_in_one_root_after_the_other(tmp_path: Path, folder: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "a.pdf").write_bytes(b"2")
    assert LocalRoots([folder, second])("a.pdf").path == str(second / "a.pdf")
    (folder / "a.pdf").write_bytes(b"1")
    assert LocalRoots([folder, second])("a.pdf").path == str(folder / "a.pdf")


@pytest.mark.parametrize(
    "name",
    ["../outside/secret.pdf", "../outside/none.pdf", "link.pdf", "linked/secret.pdf", "linked/none.pdf", "/etc/passwd"],
)
def test_no_path_and_no_link_leads_out_and_nobody_learns_what_is_there(folder: Path, outside: Path, name: str) -> None:
    (folder / "link.pdf").symlink_to(outside / "secret.pdf")
    (folder / "linked").symlink_to(outside)
    with pytest.raises(RecordRejected, match=r"file\.outside_roots"):
        LocalRoots([folder])(name)


def test_a_link_within_the_roots_is_followed(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-")
    (folder / "link.pdf").symlink_to(folder / "a.pdf")
    assert LocalRoots([folder])("link.pdf").path == str(folder / "a.pdf")


def test_without_roots_nothing_may_be_read(folder: Path) -> None:
    with pytest.raises(RecordRejected, match=r"file\.outside_roots"):
        LocalRoots([])(str(folder / "a.pdf"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("none.pdf", "file.missing"),
        ("a.pdf/b.pdf", "file.missing"),
        ("loop", "file.missing"),
        ("a\0.pdf", "file.missing"),
        ("sub", "file.not_a_file"),
        ("pipe", "file.not_a_file"),
    ],
)
def test_what_is_no_readable_file_is_rejected_without_waiting_for_it(folder: Path, name: str, code: str) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-")
    (folder / "sub").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    with pytest.raises(RecordRejected) as caught:
        LocalRoots([folder])(name)
    assert caught.value.code == code
    assert name not in caught.value.message


def test_roots_must_be_folders_with_absolute_paths(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"relative, .*none must be absolute paths of folders"):
        LocalRoots([folder, Path("relative"), folder / "none"])
