from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.pdf.extract.page import PageText, Picture
from include.pipelines.pdf.ocr.cache import OcrCache
from include.pipelines.pdf.ocr.pages import OcrRules, PageReader, ReadPage, wants_ocr
from include.pipelines.pdf.ocr.tesseract import find_tesseract

SCAN = PageText("stamp 7", 0.9, 0.0)
TEXT = PageText("a page of plain text " * 5, 0.0, 0.0)
Program = Callable[[str], Path]


@dataclass
class KnownPage:
    layer: PageText
    drawn: list[int] = field(default_factory=list)
    can_be_drawn: bool = True

    def text(self) -> PageText:
        return self.layer

    def picture(self, dpi: int, max_pixels: int) -> Picture | None:
        self.drawn.append(dpi)
        return Picture(1, 1, b"\xff", dpi) if self.can_be_drawn else None


def reader(cache: OcrCache | None = None, language: str | None = None, **rules: Any) -> PageReader:
    return PageReader(OcrRules(**rules), find_tesseract(), cache, "ab" * 32, language)


@pytest.mark.parametrize(
    ("text", "image_share", "unmapped_share", "wanted"),
    [
        ("", 0.0, 0.0, False),
        ("", 0.49, 0.0, False),
        ("", 0.5, 0.0, True),
        ("x" * 49, 0.5, 0.0, True),
        ("x " * 49, 0.5, 0.0, True),
        ("x" * 50, 1.0, 0.0, False),
        ("x" * 500, 0.0, 0.5, True),
        ("x" * 500, 0.0, 0.49, False),
        ("", None, 0.0, True),
        ("x", None, 0.0, False),
    ],
)
def test_a_page_wants_ocr_that_is_mostly_image_with_hardly_any_text_or_unreadable(
    text: str, image_share: float | None, unmapped_share: float, wanted: bool
) -> None:
    assert wants_ocr(PageText(text, image_share, unmapped_share)) is wanted


def test_a_scan_is_read_by_ocr_and_a_page_of_text_is_not_drawn(program: Program) -> None:
    program('printf "Hello \\r\\nocr\\f"')
    pages = reader()
    assert pages.read(KnownPage(SCAN), 1) == ReadPage("Hello\nocr", "ocr", 0.9)
    plain = KnownPage(TEXT)
    assert pages.read(plain, 2) == ReadPage(TEXT.text, "text", 0.0)
    assert plain.drawn == []
    assert pages.notes == {"ocr pages": 1}


def test_always_reads_every_page_by_ocr(program: Program) -> None:
    program("echo Hello")
    assert reader(mode="always").read(KnownPage(TEXT), 1) == ReadPage("Hello", "ocr", 0.0)


def test_where_ocr_finds_nothing_the_text_layer_stays(program: Program) -> None:
    program("echo")
    pages = reader()
    assert pages.read(KnownPage(SCAN), 1) == ReadPage("stamp 7", "text", 0.9)
    assert pages.read(KnownPage(PageText("", 0.9, 0.0)), 2) == ReadPage("", "ocr", 0.9)


@pytest.mark.parametrize(
    ("on_page", "options", "notes"),
    [
        ("true", {"mode": "never"}, {}),
        ("true", {"language": "fra"}, {"ocr_language_missing fra pages": 1}),
        ("exit 1", {}, {"ocr_failed pages": 1}),
        ("true", {"max_seconds": 0.0}, {"ocr_out_of_time pages": 1}),
        ("exec sleep 60", {"max_seconds": 0.2}, {"ocr_out_of_time pages": 1}),
    ],
)
def test_a_page_that_ocr_did_not_read_is_marked_counted_and_keeps_its_text_layer(
    program: Program, on_page: str, options: dict[str, Any], notes: dict[str, int]
) -> None:
    program(on_page)
    pages = reader(**options)
    assert pages.read(KnownPage(SCAN), 1) == ReadPage("stamp 7", "needs_ocr", 0.9)
    assert pages.notes == {"needs_ocr pages": 1, **notes}


def test_without_tesseract_a_scan_is_marked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pages = reader()
    scan = KnownPage(SCAN)
    assert pages.read(scan, 1) == ReadPage("stamp 7", "needs_ocr", 0.9)
    assert pages.notes == {"needs_ocr pages": 1, "ocr_not_installed pages": 1}
    assert scan.drawn == []


def test_a_page_is_read_once_for_each_language(program: Program, tmp_path: Path) -> None:
    program(f'echo "$4" >> {tmp_path}/calls; echo "$4"')
    cache = OcrCache(tmp_path / "cache", "tesseract 9.9")
    for language in (None, "deu", None, "deu"):
        page = reader(cache, language).read(KnownPage(SCAN), 1)
        assert (page.text, page.source) == (language or "eng", "ocr")
    assert (tmp_path / "calls").read_text().split() == ["eng", "deu"]


def test_a_cache_that_takes_nothing_is_counted(program: Program, tmp_path: Path) -> None:
    program("echo Hello")
    (tmp_path / "file").touch()
    pages = reader(OcrCache(tmp_path / "file", "tesseract 9.9"))
    assert pages.read(KnownPage(SCAN), 1).source == "ocr"
    assert pages.notes == {"ocr pages": 1, "ocr_not_cached pages": 1}


def test_a_page_that_nothing_draws_is_marked_and_counted(program: Program) -> None:
    program("echo Hello")
    pages = reader()
    assert pages.read(KnownPage(SCAN, can_be_drawn=False), 1) == ReadPage("stamp 7", "needs_ocr", 0.9)
    assert pages.notes == {"needs_ocr pages": 1, "ocr_not_drawn pages": 1}


def test_what_time_did_not_allow_is_for_another_run_where_a_cache_keeps_the_rest(
    program: Program, tmp_path: Path
) -> None:
    program("echo Hello")
    for cache, max_seconds, goes_on in [(None, 0.0, False), (OcrCache(tmp_path, "x"), 0.0, True), (None, 9.0, False)]:
        pages = reader(cache, max_seconds=max_seconds)
        pages.read(KnownPage(SCAN), 1)
        assert pages.goes_on is goes_on
