from __future__ import annotations

import io
from pathlib import Path

import pytest

from include.connections.files.folder import FileFolder, LocalFolder, ObjectFolder
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError
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


def test_nothing_but_the_file_is_left_on_disk(tmp_path: Path) -> None:
    LocalFolder(tmp_path, "text_folder").put("a.txt", io.BytesIO(b"x"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path, s3: ObjectServer) -> None:
    with pytest.raises(SettingsError, match="text_folder does not take a file: FileNotFoundError"):
        LocalFolder(tmp_path / "none", "text_folder").put("a.txt", io.BytesIO(b"x"))
    with pytest.raises(SettingsError, match="text_folder does not take a file"):
        ObjectFolder(ObjectStore(s3.client(), []), ObjectName("none", ""), "text_folder").put("a.txt", io.BytesIO(b"x"))
