"""Functions of PDFium that are called some ten times a page, bound so that a call takes a third of the time.

pypdfium2 gives pointers their types, which ctypes makes and checks one by one. Here they are plain addresses.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pypdfium2.raw as pdfium

_ADDRESS, _NUMBER = ctypes.c_void_p, ctypes.c_int


def _bound(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401 - ctypes' types have no common name
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise ImportError("pypdfium2 does not have a function that it names")
    return ctypes.CFUNCTYPE(result, *arguments)(address)


object_of = _bound(pdfium.FPDFPage_GetObject, _ADDRESS, _ADDRESS, _NUMBER)
"""The address of a page's object, by its position."""

form_object_of = _bound(pdfium.FPDFFormObj_GetObject, _ADDRESS, _ADDRESS, ctypes.c_ulong)
"""The same of a form, which is an object that holds others."""

kind_of = _bound(pdfium.FPDFPageObj_GetType, _NUMBER, _ADDRESS)
"""One of `FPDF_PAGEOBJ_…`, of an object."""

is_unmapped = _bound(pdfium.FPDFText_HasUnicodeMapError, _NUMBER, _ADDRESS, _NUMBER)
"""1 where the font of a text layer's character does not say what it means, by its position."""


def pointer(address: int) -> Any:  # noqa: ANN401 - as above
    """As the other functions take an object."""
    return ctypes.cast(address, pdfium.FPDF_PAGEOBJECT)
