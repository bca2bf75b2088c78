"""How much of a page its images cover."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import pypdfium2.raw as pdfium

from include.pipelines.pdf.extract.functions import form_object_of, kind_of, object_of, pointer

MAX_OBJECTS = 1000
"""Of a page, and of all its forms together, so many are looked at: drawings have hundred thousands, scans a few."""
MAX_OBJECTS_BESIDE_TEXT = 30
"""Of a page with text, whose share of images decides nothing: each object costs half a microsecond."""
TEXT_CHARACTERS = 200
"""A page with more has text."""
MAX_DEPTH = 4
"""Of forms within forms."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


def image_share(page: Any, characters: int) -> float:  # noqa: ANN401 - a pointer of PDFium's
    """Share of the page that images cover, 0 to 1; where they overlap, both count.

    `page` is PDFium's pointer to it, `characters` is how many the page has. Of very many objects the first two thirds
    of what is allowed are looked at, and the last third: a picture of the page lies below or above all else.
    """
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    area: float = (right - left) * (top - bottom)
    if area <= 0:
        return 0.0
    allowed = MAX_OBJECTS_BESIDE_TEXT if characters > TEXT_CHARACTERS else MAX_OBJECTS
    places = _looked_at(pdfium.FPDFPage_CountObjects(page), allowed)
    objects = [object_of(page, at) for at in places]
    covered = 0.0
    for image in _image_boxes(objects, _IDENTITY, MAX_DEPTH, [2 * allowed]):
        width = min(image[2], right) - max(image[0], left)
        height = min(image[3], top) - max(image[1], bottom)
        covered += max(width, 0.0) * max(height, 0.0)
    return round(min(1.0, covered / area), 3)


def _looked_at(count: int, allowed: int) -> Iterable[int]:
    if count <= allowed:
        return range(count)
    last = allowed // 3
    return chain(range(allowed - last), range(count - last, count))


def _image_boxes(objects: Sequence[int], matrix: Matrix, depth: int, left: list[int]) -> Iterator[Box]:
    """`left` holds how many objects may still be looked at: forms within forms multiply."""
    text, image = pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_IMAGE
    left[0] -= len(objects)
    for address in objects:
        kind = kind_of(address)
        if kind == text:
            continue
        item = pointer(address)
        if kind == image:
            yield _moved(_bounds(item), matrix)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth and left[0] > 0:
            count = min(pdfium.FPDFFormObj_CountObjects(item), left[0])
            inner = [form_object_of(address, at) for at in range(count)]
            yield from _image_boxes(inner, _product(_matrix(item), matrix), depth - 1, left)


def _bounds(item: object) -> Box:
    edges = [ctypes.c_float() for _ in range(4)]
    pdfium.FPDFPageObj_GetBounds(item, *map(ctypes.byref, edges))
    left, bottom, right, top = (edge.value for edge in edges)
    return left, bottom, right, top


def _matrix(item: object) -> Matrix:
    found = pdfium.FS_MATRIX(*_IDENTITY)
    pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(found))
    return found.a, found.b, found.c, found.d, found.e, found.f


def _product(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _moved(box: Box, matrix: Matrix) -> Box:
    left, bottom, right, top = box
    a, b, c, d, e, f = matrix
    corners = [(left, bottom), (left, top), (right, bottom), (right, top)]
    xs = [a * x + c * y + e for x, y in corners]
    ys = [b * x + d * y + f for x, y in corners]
    return min(xs), min(ys), max(xs), max(ys)
