from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest

from include.connections.files.folder import FileFolder, LocalFolder, ObjectFolder
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import RecordRejected, SettingsError
from tests.fixtures.object_store import ObjectServer


@pytest.fixture(params=["disk", "s3"])
def texts(request: pytest.FixtureRequest, tmp_path: Path, s3: ObjectServer) -> FileFolder:
    if request.param == "disk":
        return LocalFolder(tmp_path, "text_folder")
    return ObjectFolder(ObjectStore(s3.client(), []), ObjectName("cases", "texts/"), "text_folder")


def read(texts: FileFolder, s3: ObjectServer, name: str) -> bytes:
    return (texts.folder / name).read_bytes() if isinstance(texts, LocalFolder) else s3.get(f"texts/{name}")


def test_a_file_is_put_replaced_and_removed(texts: FileFolder, s3: ObjectServer) -> None:
    texts.remove("a.txt")
    assert not texts.has("a.txt")
    for content in (b"first", b"2"):
        file = io.BytesIO()
        file.write(content)
        texts.put("a.txt", file)
        assert read(texts, s3, "a.txt") == content
    assert texts.has("a.txt")
    texts.remove("a.txt")
    assert not texts.has("a.txt")


def test_whole_files_are_named_in_order_and_those_of_folders_below_are_not(texts: FileFolder) -> None:
    assert list(texts.below("none").names()) == []
    below = texts.below("sub")
    for name in ("b.txt", "a.txt", "\u00e9.txt", "B.txt"):
        with below.growing() as file:
            file.keep(name)
    texts.put("c.txt", io.BytesIO(b"x"))
    with below.growing() as file:
        file.write(b"half")
        assert list(texts.names()) == ["c.txt"]
        assert list(below.names()) == ["B.txt", "a.txt", "b.txt", "\u00e9.txt"]


def test_a_file_that_grows_is_there_once_it_is_kept_and_gone_when_it_is_not(
    texts: FileFolder, tmp_path: Path, s3: ObjectServer
) -> None:
    below = texts.below("sub")
    with below.growing() as file:
        for piece in (b"first ", b"second"):
            file.write(piece)
        assert (file.size, list(below.names())) == (12, [])
        file.keep("a-12")
        with below.opened("a-12") as found:
            assert found.read() == b"first second"
    assert list(below.names()) == ["a-12"]
    below.remove("a-12")
    with below.growing() as file:
        file.write(b"x" * 100_000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert s3.keys() == []


def test_an_opened_file_can_be_read_twice_and_one_that_is_not_there_is_missing(texts: FileFolder) -> None:
    content = bytes(itertools.islice(itertools.cycle(range(256)), 600_000))
    texts.put("a.bin", io.BytesIO(content))
    with texts.opened("a.bin") as file:
        assert file.read() == content
        file.seek(0)
        assert file.read(3) == content[:3]
    with pytest.raises(RecordRejected, match=r"file\.missing"), texts.opened("none"):
        pass


def test_a_folder_whose_own_folder_is_not_there_is_not_made(tmp_path: Path) -> None:
    nowhere = LocalFolder(tmp_path / "unmounted" / "sub", "kept_folder")
    with pytest.raises(SettingsError, match="kept_folder does not take a file"), nowhere.growing():
        pass


def test_nothing_but_the_file_is_left_on_disk(tmp_path: Path) -> None:
    LocalFolder(tmp_path, "text_folder").put("a.txt", io.BytesIO(b"x"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path, s3: ObjectServer) -> None:
    with pytest.raises(SettingsError, match="text_folder does not take a file: FileNotFoundError"):
        LocalFolder(tmp_path / "none", "text_folder").put("a.txt", io.BytesIO(b"x"))
    with pytest.raises(SettingsError, match="text_folder does not take a file"):
        ObjectFolder(ObjectStore(s3.client(), []), ObjectName("none", ""), "text_folder").put("a.txt", io.BytesIO(b"x"))
