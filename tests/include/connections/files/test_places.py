from __future__ import annotations

from pathlib import Path

import pytest

from include.connections.files.location import LocalFile, RemoteFile
from include.connections.files.objects import ObjectStore
from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected
from tests.fixtures.object_store import ObjectServer


def test_documents_are_found_on_disk_and_in_s3(s3: ObjectServer, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-")
    s3.put("incoming/a.pdf", b"%PDF-1.7")
    places = Places(LocalRoots([folder]), ObjectStore(s3.client(), ["s3://cases/incoming/"]))
    assert [type(places(path)) for path in ("a.pdf", "s3://cases/incoming/a.pdf")] == [LocalFile, RemoteFile]


def test_without_a_connection_nothing_is_in_s3(folder: Path) -> None:
    (folder / "s3:").mkdir()
    with pytest.raises(RecordRejected, match=r"file\.outside_roots: .* set s3_conn_id"):
        Places(LocalRoots([folder]), None)("s3://a.pdf")
