from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.object_store import ObjectServer, object_server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Below which files may lie."""
    path = tmp_path / "documents"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def one_object_server() -> Iterator[ObjectServer]:
    with object_server() as server:
        yield server


@pytest.fixture
def s3(one_object_server: ObjectServer) -> ObjectServer:
    """An S3 with an empty bucket."""
    one_object_server.start_afresh()
    return one_object_server
