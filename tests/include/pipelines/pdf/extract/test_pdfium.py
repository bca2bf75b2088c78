from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.pipelines.pdf.extract.page import PageText, Picture
from include.pipelines.pdf.extract.pdfium import PdfiumDocument, PdfiumPage
from tests.fixtures.pdf_files import form_pdf, mapped_pdf, scanned_pdf, text_pdf


def first_page(path: Path, look: Callable[[PdfiumPage], Any]) -> Any:
    with PdfiumDocument(str(path)) as document, next(document.pages()) as page:
        assert isinstance(page, PdfiumPage)
        return look(page)


def layer(path: Path) -> PageText:
    found = first_page(path, PdfiumPage.text)
    assert isinstance(found, PageText)
    return found


def test_lines_come_in_the_order_of_the_page_and_pages_in_that_of_the_document(tmp_path: Path) -> None:
    path = text_pdf(tmp_path / "a.pdf", [["first line", "second line"], "second page"])
    with PdfiumDocument(str(path)) as document:
        assert len(document) == 2
        texts = []
        for opened in document.pages():
            with opened as page:
                texts.append(page.text().text)
    assert texts == ["first line\nsecond line", "second page"]


def test_characters_are_what_the_font_maps_them_to_beyond_the_first_plane_too(tmp_path: Path) -> None:
    mapping = {0x41: "\U0001f600", 0x42: "\ufb01", 0x43: "e\u0301", 0x44: "A"}
    path = mapped_pdf(tmp_path / "a.pdf", b"BT /F 20 Tf 50 700 Td (DABCD) Tj ET", mapping)
    assert layer(path).text == "A\U0001f600fi\u00e9A"
    assert layer(path).unmapped_share == 0


def test_a_font_that_maps_to_private_characters_counts_as_unmapped(tmp_path: Path) -> None:
    mapping = {code: chr(0xE000 + code) for code in range(0x41, 0x45)}
    path = mapped_pdf(tmp_path / "a.pdf", b"BT /F 20 Tf 50 700 Td (ABCD) Tj ET", mapping)
    assert layer(path).unmapped_share == 1


@pytest.mark.parametrize(
    ("content", "share"),
    [
        (b"", 0.0),
        (b"q 300 0 0 400 0 0 cm IMAGE Q", 0.25),
        (b"q 600 0 0 800 0 0 cm IMAGE Q q 600 0 0 800 0 0 cm IMAGE Q", 1.0),
        (b"q 600 0 0 800 300 400 cm IMAGE Q", 0.25),
        (b"q 300 0 0 400 900 900 cm IMAGE Q", 0.0),
        (b"q 0 400 -300 0 600 0 cm IMAGE Q", 0.25),
    ],
)
def test_the_image_share_is_what_images_cover_of_the_page(tmp_path: Path, content: bytes, share: float) -> None:
    image = b"BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI"
    path = mapped_pdf(tmp_path / "a.pdf", content.replace(b"IMAGE", image), {})
    assert layer(path).image_share == pytest.approx(share, abs=0.001)


def test_an_image_counts_by_its_place_on_a_page_that_does_not_begin_at_zero(tmp_path: Path) -> None:
    image = b"q 300 0 0 400 1000 1000 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q"
    path = mapped_pdf(tmp_path / "a.pdf", image, {}, media_box=b"1000 1000 1600 1800")
    assert layer(path).image_share == pytest.approx(0.25, abs=0.001)


def test_an_image_within_a_form_counts_by_where_the_form_puts_it(tmp_path: Path) -> None:
    image = b"q 100 0 0 100 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q"
    path = form_pdf(tmp_path / "a.pdf", b"q 0 2 -1 0 600 0 cm /X Do Q", image, b"3 0 0 2 0 0")
    assert layer(path).image_share == pytest.approx(600 * 200 / 480_000, abs=0.001)


def test_a_page_is_drawn_in_grey_at_the_resolution_asked_for(tmp_path: Path) -> None:
    picture: Picture = first_page(text_pdf(tmp_path / "a.pdf", ["x"]), lambda page: page.picture(100, 10**8))
    assert (picture.width, picture.height, picture.dpi) == (827, 1170, 100)
    assert len(picture.grey) == picture.width * picture.height
    assert min(picture.grey) < 100
    assert picture.grey.count(255) > 0.99 * len(picture.grey)


def test_a_large_page_is_drawn_in_the_resolution_that_the_limit_of_pixels_allows(tmp_path: Path) -> None:
    path = scanned_pdf(tmp_path / "a.pdf", ["x"], size=(2480, 3508))
    picture: Picture = first_page(path, lambda page: page.picture(200, 25_000_000))
    assert 72 <= picture.dpi < 200
    assert 24_000_000 < picture.width * picture.height <= 25_100_000


def test_a_page_that_is_too_large_at_72_dpi_is_refused_with_its_number(tmp_path: Path) -> None:
    path = mapped_pdf(tmp_path / "a.pdf", b"", {}, media_box=b"0 0 14400 14400")
    with pytest.raises(RecordRejected, match=r"pdf\.page_too_large: page 1 measures 200 x 200 inches"):
        first_page(path, lambda page: page.picture(200, 25_000_000))


def test_of_a_page_with_very_many_objects_a_bounded_number_is_looked_at(tmp_path: Path) -> None:
    line = b"q 600 0 0 0.4 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q\n"
    few, many = (layer(mapped_pdf(tmp_path / f"{count}.pdf", line * count, {})).image_share for count in (100, 3000))
    assert few == pytest.approx(0.05, abs=0.001)
    assert many == pytest.approx(0.5, abs=0.001)


def test_a_picture_below_or_above_very_many_objects_is_seen(tmp_path: Path) -> None:
    picture = b"q 600 0 0 800 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q\n"
    boxes = b"1 1 2 2 re f\n" * 5000
    text = b"BT /F 1 Tf 1 0 0 1 5 5 Tm (%s) Tj ET\n" % (b"ab" * 400)
    for number, content in enumerate(
        (picture + boxes, boxes + picture, text + picture + boxes, boxes + picture + text)
    ):
        path = mapped_pdf(tmp_path / f"{number}.pdf", content, {0x61: "a", 0x62: "b"})
        assert layer(path).image_share == 1
