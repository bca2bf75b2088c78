from __future__ import annotations

from pathlib import Path

import pytest

from include.pipelines.pdf.ocr.cache import OcrCache

SHA = "ab" * 32


@pytest.fixture
def cache(tmp_path: Path) -> OcrCache:
    return OcrCache(tmp_path / "cache", "tesseract 5")


def test_a_text_comes_back_as_it_was_kept_and_only_for_its_place(cache: OcrCache) -> None:
    for text in ("caf\u00e9\r\n\x0b\U0001f600", ""):
        assert cache.put(SHA, 1, "eng", 200, text)
        assert cache.get(SHA, 1, "eng", 200) == text
    for place in ((SHA, 2, "eng", 200), (SHA, 1, "deu", 200), (SHA, 1, "eng", 300), ("cd" * 32, 1, "eng", 200)):
        assert cache.get(*place) is None
    assert OcrCache(cache.folder, "tesseract 6").get(SHA, 1, "eng", 200) is None


def test_nobody_else_may_read_what_is_kept(cache: OcrCache) -> None:
    cache.put(SHA, 1, "eng", 200, "x")
    (file,) = (path for path in cache.folder.rglob("*") if path.is_file())
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_folder_that_takes_nothing_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = OcrCache(tmp_path / "file", "tesseract 5")
    assert not cache.put(SHA, 1, "eng", 200, "x")
    assert cache.get(SHA, 1, "eng", 200) is None


def test_what_is_damaged_is_not_there(cache: OcrCache) -> None:
    cache.put(SHA, 1, "eng", 200, "x")
    (file,) = (path for path in cache.folder.rglob("*") if path.is_file())
    file.write_bytes(b"\xff\xfe")
    assert cache.get(SHA, 1, "eng", 200) is None
