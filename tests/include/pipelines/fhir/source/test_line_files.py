from __future__ import annotations

import hashlib
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.engine.errors import FatalError, SourceChanged
from include.engine.model import Batch, NamedSlice
from include.pipelines.fhir.source import line_files
from include.pipelines.fhir.source.line_files import LineFile, LongLine, lines_between, plan_files


def written(folder: Path, contents: list[list[int]], *, last_ends: bool = True) -> list[LineFile]:
    """A file of lines with so many letters each; every line names its file and number."""
    found = []
    for at, sizes in enumerate(contents):
        lines = [f"{at}-{number}".ljust(size, "x").encode() for number, size in enumerate(sizes)]
        path = folder / f"output-{at:06d}.ndjson"
        path.write_bytes(b"\n".join(lines) + (b"\n" if last_ends and lines else b""))
        found.append(LineFile(path, path.stat().st_size, len(lines)))
    return found


def read(files: list[LineFile], batches: list[Batch]) -> list[list[bytes]]:
    parts = [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]
    return [[_text(line) for line in lines_between(files, part.lower, part.upper)] for part in parts]


def _text(line: bytes | LongLine) -> bytes:
    assert isinstance(line, bytes)
    return line


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(1, 60), max_size=30), max_size=8), st.integers(1, 20), st.booleans())
def test_every_line_of_every_file_lies_in_exactly_one_batch_in_order(
    contents: list[list[int]], size: int, last_ends: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = written(Path(folder), contents, last_ends=last_ends)
        batches = plan_files("export x", files, size)
        found = [line for lines in read(files, batches) for line in lines]
        whole = [line for file in files for line in file.path.read_bytes().splitlines()]
    assert found == whole
    assert sum(batch.planned_records for batch in batches) == len(whole)
    parts = [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]
    assert all(one.upper == other.lower for one, other in pairwise(parts))


def test_small_files_share_a_batch_and_large_ones_are_cut(tmp_path: Path) -> None:
    files = written(tmp_path, [[9] * 3, [9] * 4, [9] * 20, []])
    batches = plan_files("export x", files, 10)
    assert [(batch.planned_records, batch.estimated) for batch in batches] == [(7, False), (10, True), (10, True)]
    assert [len(lines) for lines in read(files, batches)] == [7, 10, 10]
    assert len({batch.label for batch in batches}) == 3


def test_a_run_has_few_enough_batches_however_many_files_there_are(tmp_path: Path) -> None:
    files = [LineFile(tmp_path / f"output-{number:06d}.ndjson", 1000, 10) for number in range(5_000)]
    assert len(plan_files("export x", files, 1)) <= 1000
    assert len(plan_files("export x", files, 1, most=7)) <= 7


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 20))
def test_a_line_beyond_the_bound_is_told_once_and_all_others_are_read(sizes: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_files, "MAX_LINE_BYTES", 20)
        files = written(Path(folder), [sizes])
        batches = plan_files("export x", files, size)
        parts = [batch.part for batch in batches if isinstance(batch.part, NamedSlice)]
        found = [line for part in parts for line in lines_between(files, part.lower, part.upper)]
        whole = files[0].path.read_bytes().splitlines(keepends=True)
    assert [hashlib.sha256(line).hexdigest() if len(line) > 20 else line.strip() for line in whole] == [
        line.digest if isinstance(line, LongLine) else line for line in found
    ]


def test_a_file_that_is_gone_or_changed_is_told_by_name(tmp_path: Path) -> None:
    (file,) = written(tmp_path, [[9]])
    file.path.write_bytes(b"x")
    with pytest.raises(SourceChanged, match=r"output-000000.ndjson is not the file that was planned"):
        list(lines_between([file], None, None))
    file.path.unlink()
    with pytest.raises(SourceChanged, match=r"output-000000.ndjson cannot be read any more"):
        list(lines_between([file], None, None))


@pytest.mark.parametrize("bound", ["output", "output:x", ":7"])
def test_a_bound_that_is_no_position_is_fatal(tmp_path: Path, bound: str) -> None:
    with pytest.raises(FatalError, match="names no position"):
        list(lines_between([], bound, None))
