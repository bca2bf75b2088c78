from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from include.connections.files.location import LocalFile
from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected
from include.pipelines.pdf.content.open_content import open_content


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


def test_a_file_that_is_gone_or_too_large_is_rejected(located: LocalFile) -> None:
    with (
        pytest.raises(RecordRejected, match=r"pdf\.too_large: 3009 bytes, 3008 are allowed"),
        open_content(located, 3008),
    ):
        pass
    Path(located.path).unlink()
    with pytest.raises(RecordRejected, match=r"file\.missing"), open_content(located, 10_000):
        pass
