"""Writes PDF files of plain text, and pictures of them as a scanner makes: the few objects that this takes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import pypdfium2

WIDTH, HEIGHT = 595, 842
"""Points of A4."""
SCAN_DPI = 150

_CATALOG, _PAGES, _FONT = 1, 2, 3


def text_pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A page each, line by line, in Latin-1; what that does not have becomes a question mark."""
    bodies: list[bytes] = []
    for lines in pages:
        shown = b"\n".join(b"(%s) Tj T*" % _escaped(line) for line in lines)
        bodies += _page(len(bodies), b"BT /F 10 Tf 50 800 Td 18 TL\n%s\nET" % shown, b"/Font<</F %d 0 R>>" % _FONT)
    return _file(bodies)


def scanned_pdf(lines: Sequence[str]) -> bytes:
    """One page that is nothing but a grey picture of these lines."""
    with pypdfium2.PdfDocument(text_pdf([lines])) as document:
        bitmap = document[0].render(scale=SCAN_DPI / 72, grayscale=True)
        width, height, stride = bitmap.width, bitmap.height, bitmap.stride
        whole = bytes(bitmap.buffer)
    grey = b"".join(whole[start : start + width] for start in range(0, stride * height, stride))
    keys = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    picture = _stream(zlib.compress(grey), keys % (width, height))
    page = _page(0, b"q %d 0 0 %d 0 0 cm /P Do Q" % (WIDTH, HEIGHT), b"/XObject<</P %d 0 R>>" % (_FONT + 3))
    return _file([*page, picture])


def _escaped(line: str) -> bytes:
    text = line.encode("latin-1", "replace")
    return text.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _page(written: int, content: bytes, resources: bytes) -> list[bytes]:
    """A page and its content, after so many objects of other pages."""
    number = _FONT + 1 + written
    page = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<<%s>>>>"
    return [page % (_PAGES, WIDTH, HEIGHT, number + 1, resources), _stream(content)]


def _stream(data: bytes, keys: bytes = b"") -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), keys, data)


def _file(bodies: Sequence[bytes]) -> bytes:
    kids = [_FONT + 1 + at for at, body in enumerate(bodies) if body.startswith(b"<</Type/Page/")]
    tree = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    return _with_index([b"<</Type/Catalog/Pages %d 0 R>>" % _PAGES, tree, font, *bodies])


def _with_index(objects: Iterable[bytes]) -> bytes:
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, count = len(out), len(offsets) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, _CATALOG, start)
    return bytes(out)
