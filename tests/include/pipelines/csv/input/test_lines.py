from __future__ import annotations

import io
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.input import lines
from include.pipelines.csv.input.encodings import TextEncoding
from include.pipelines.csv.input.lines import Line, Lines

CODECS = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030", "cp932"]


def read(content: bytes, codec: str, size: int | None = None) -> list[Line]:
    return list(Lines(io.BytesIO(content), len(content) if size is None else size, TextEncoding(codec)))


# U+0A0D, U+0D0A and U+0A00 have the bytes of line ends where no line ends.
TEXT = st.text(st.sampled_from("a\r\n\u0a0d\u0d0a\u0a00\u00e9,"), max_size=40)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@given(text=TEXT, chunk=st.sampled_from([4, 8, 12]))
def test_lines_end_where_they_do_however_the_file_is_cut_into_chunks(codec: str, text: str, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_CHUNK_BYTES", chunk)
        found = read(text.encode(codec), codec)
    assert [line.text for line in found] == list(io.StringIO(text, newline=""))
    assert [line.size for line in found] == [len(line.text.encode(codec)) for line in found]
    assert not any(line.fault for line in found)


@pytest.mark.parametrize("codec", CODECS)
def test_bytes_that_mean_nothing_cost_their_line(codec: str) -> None:
    bad = {"utf-16-le": b"\x00\xd8", "utf-16-be": b"\xd8\x00"}.get(codec, b"\x81\x20\xff\xff")
    found = read("a\n".encode(codec) + bad + "b\nc\n".encode(codec), codec)
    assert [line.fault.code if line.fault else None for line in found] == [None, "csv.undecodable", None]
    assert [line.text.rstrip() for line in found][::2] == ["a", "c"]


def test_half_a_character_at_the_end_costs_the_last_line() -> None:
    found = read("a\nb".encode("utf-16-le") + b"\x00", "utf-16-le")
    assert [bool(line.fault) for line in found] == [False, True]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-32-be"])
def test_a_line_that_is_too_long_is_passed_over_in_flat_memory(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 400)
    monkeypatch.setattr(lines, "_CHUNK_BYTES", 100)
    texts = ["a\n", "x" * 5000 + "\r\n", "b\n", "y" * 5000]
    found = read("".join(texts).encode(codec), codec)
    assert [line.size for line in found] == [len(text.encode(codec)) for text in texts]
    assert [line.fault.code if line.fault else None for line in found] == [None, "csv.too_long", None, "csv.too_long"]
    assert all(len(line.raw) <= 600 for line in found)


def test_lines_can_be_read_again_from_where_any_of_them_begins() -> None:
    content = b"x" + b"".join(b"line %d\r\n" % number for number in range(3_000))
    file = io.BytesIO(content)
    file.read(1)
    lines = Lines(file, len(content) - 1, TextEncoding("utf-8"))
    whole = [(lines.at - line.size, line) for line in lines]
    assert len(whole) == 3_000
    for start in (1_234, 0, 2_999):
        lines.go_to(whole[start][0])
        assert list(lines) == [line for _, line in whole[start:]]
    assert list(lines.first(whole[1][0] + 1)) == [line for _, line in whole[:2]]


def test_no_more_bytes_are_read_than_the_range_has() -> None:
    assert [line.text for line in read(b"a\nb\nc\n", "utf-8", 4)] == ["a\n", "b\n"]


def test_every_split_of_a_file_at_line_ends_gives_the_same_lines() -> None:
    content = b"".join(random.Random(1).choices([b"a", b"\n", b"\r\n"], k=30))
    whole = read(content, "utf-8")
    at = [0, *itertools.accumulate(line.size for line in whole)]
    for cut in at:
        assert read(content[:cut], "utf-8") + read(content[cut:], "utf-8") == whole
