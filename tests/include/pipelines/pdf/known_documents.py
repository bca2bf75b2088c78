"""Documents of which it is known what they give: real ones, and one generated of each kind."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.pdf_files import bomb_pdf, encrypted_pdf, scanned_pdf, text_pdf

REFUSED: dict[str, str] = {
    "libreoffice-writer-password.pdf": "pdf.password",
    "unreadablemetadata.pdf": "pdf.broken",
}
"""Of the real files."""

READ: dict[str, tuple[int, int, int, str | None, str]] = {
    "002-trivial-libre-office-writer.pdf": (
        1,
        591,
        0,
        "la",
        "consetetur sadipscing elitr, sed diam nonumy eirmod tempor\n",
    ),
    "GeoTopo-komprimiert.pdf": (117, 142222, 0, "de", "in A5 (Schwarz-Weiß, Ringbindu"),
    "annotated_pdf.pdf": (1, 40, 0, None, "Some text.\nLine 1\nLine 2\nNot highlighted"),
    "base64image.pdf": (1, 69, 0, None, "Produced with a Trial Version of PDF Annotator"),
    "cmyk-image.pdf": (1, 0, 1, None, ""),
    "crazyones-pdfa.pdf": (1, 900, 0, "en", "The round pegs in the square holes.\n"),
    "google-doc-document.pdf": (
        1,
        1089,
        0,
        "en",
        "Beautiful is better than ugly.\nExplicit is better than implicit.\n",
    ),
    "grayscale-image.pdf": (1, 0, 1, None, ""),
    "habibi-oneline-cmap.pdf": (1, 26, 0, None, "habibi"),
    "habibi-rotated.pdf": (4, 104, 0, "ar", "habibi"),
    "habibi.pdf": (1, 26, 0, None, "habibi"),
    "imagemagick-ASCII85Decode.pdf": (1, 0, 1, None, ""),
    "imagemagick-CCITTFaxDecode.pdf": (1, 0, 1, None, ""),
    "imagemagick-images.pdf": (6, 40, 6, None, "Background"),
    "imagemagick-lzw.pdf": (1, 0, 1, None, ""),
    "inline-image.pdf": (1, 4, 0, None, "Test"),
    "libre-office-link.pdf": (1, 34, 0, None, "This is a link to an awesome blog."),
    "libreoffice-form.pdf": (1, 112, 0, None, "Gender:\nNationality:\nFirst Name Last Name\nBirthday"),
    "minimal-document.pdf": (1, 593, 0, "la", "no sea takimata sanctus est Lorem ipsum dolor sit\namet.\n1"),
    "mistitled_outlines_example.pdf": (4, 7699, 0, "en", "Contents\n1 Foo 2\n2 Bar 2\n3 Baz 2\n"),
    "multicolumn.pdf": (3, 7057, 0, "la", "nonummy eget, consectetuer id, vulputate a, magna."),
    "output_with_metadata_pymupdf.pdf": (1, 13, 0, None, "Hello, World!"),
    "pdfkit.pdf": (1, 24, 0, None, "Header\nFoo: bar\nABC: DEF"),
    "pdflatex-4-pages.pdf": (4, 14471, 0, "en", "the length of words should match the language.\n4"),
    "pdflatex-forms.pdf": (1, 19, 0, None, "Name\nCheck\nSubmit\n1"),
    "pdflatex-image.pdf": (1, 608, 0, "la", "1 Your Chapter\nLorem ipsum"),
    "pdflatex-outline.pdf": (4, 7699, 0, "en", "If you read this text, you will get no\ninformation."),
    "reportlab-overlay.pdf": (1, 65, 0, None, "Fingerprint: asdfSa2123\nSigned: 12-34-2007T12:34:56"),
    "with-attachment.pdf": (1, 593, 0, "la", "consetetur sadipscing elitr"),
}
"""Of the real files: pages, characters, pages that need OCR, language, and what stands in one of the pages."""


def make_generated_set(folder: Path) -> dict[str, str | None]:
    """One of each kind; the code of its reject, None for one that is read."""
    whole = text_pdf(folder / "text.pdf", ["plain text"] * 30)
    scanned_pdf(folder / "scanned.pdf", ["x"])
    encrypted_pdf(folder / "encrypted.pdf", whole, "secret")
    (folder / "truncated.pdf").write_bytes(whole.read_bytes()[:3000])
    (folder / "zero.pdf").touch()
    bomb_pdf(folder / "bomb.pdf", 400)
    text_pdf(folder / "3000.pdf", (f"page {number}" for number in range(3000)))
    (folder / "html.pdf").write_text("<!DOCTYPE html><title>Sign in</title>")
    return {
        "text.pdf": None,
        "scanned.pdf": None,
        "encrypted.pdf": "pdf.password",
        "truncated.pdf": "pdf.broken",
        "zero.pdf": "pdf.empty",
        "bomb.pdf": "worker.crashed",
        "3000.pdf": None,
        "html.pdf": "pdf.not_a_pdf",
    }
