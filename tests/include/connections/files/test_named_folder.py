from __future__ import annotations

from pathlib import Path

import pytest

from include.connections.files.folder import LocalFolder, ObjectFolder
from include.connections.files.named_folder import named_folder
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError
from tests.fixtures.object_store import ObjectServer


def test_a_folder_is_on_disk_or_in_s3(tmp_path: Path, s3: ObjectServer) -> None:
    assert named_folder("out", tmp_path, None) == LocalFolder(tmp_path, "out")
    found = named_folder("out", "s3://cases/out", ObjectStore(s3.client(), []))
    assert isinstance(found, ObjectFolder)
    assert str(found.folder) == "s3://cases/out/"


@pytest.mark.parametrize("folder", [None, Path("/no/such/folder"), "s3://cases/out/"])
def test_a_folder_that_is_not_there_is_refused_by_the_name_of_its_setting(folder: str | Path | None) -> None:
    with pytest.raises(SettingsError, match=r"^out"):
        named_folder("out", folder, None)
