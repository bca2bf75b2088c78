"""Any document to the bytes of UTF-8: after this, libxml2 has no encodings to guess.

What the bytes are decides, in this order: a byte order mark, the pattern of UTF-16 or UTF-32, the declaration,
UTF-8. A declaration that the bytes cannot have (`utf-16` over single bytes, as .NET writes it into text columns)
is ignored, one that they contradict (cp1252 under `utf-8`) is a reject, or read with the fallback that the
settings name.
"""

from __future__ import annotations

import codecs
import re

from include.engine.errors import RecordRejected

_MARKS = (  # the longer ones first: the mark of UTF-32 LE begins with that of UTF-16 LE
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PATTERNS = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_SPACE = b" \t\r\n"
_DECLARATION = re.compile(
    rb"""[ \t\r\n]*<\?xml[ \t\r\n][^>]{0,200}?encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._\-]{1,40})["']"""
)
_FAMILIES = ("utf-8", "ascii", "iso8859-", "latin", "cp", "koi8-", "mac-", "gb", "big5", "shift_jis", "euc_", "tis-")
"""Character sets, by Python's names. Its codecs do more (`utf-7`, `rot13`, `zip`), and that may not be asked for."""

_WIDE = ("utf-16", "utf-32", "ucs-", "iso-10646", "csunicode", "unicode")


class Utf8:
    """A document that the database holds as text, so whatever its declaration says is history.

    It should be sound, and libxml2 refuses it where it is not; to look for that here would take as long as the read.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __reduce__(self) -> tuple[type[Utf8], tuple[bytes]]:
        # On its way to a worker process; what a class with slots gives by itself takes five times as long.
        return Utf8, (self.data,)

    @classmethod
    def of(cls, text: str) -> Utf8 | str:
        """Of text that a driver had decoded; the text itself where it holds half of a surrogate pair."""
        try:
            return cls(text.encode("utf-8"))
        except UnicodeEncodeError:
            return text


def to_utf8(document: str | bytes | Utf8, fallback: str | None = None) -> bytes:
    """Without byte order mark and white space before it; raises `RecordRejected("xml.encoding", …)`."""
    if isinstance(document, Utf8):
        data = document.data
        return data if data.startswith(b"<") else data.removeprefix(codecs.BOM_UTF8).lstrip(_SPACE)
    if isinstance(document, str):
        return _encoded(document)
    for mark, encoding in _MARKS:
        if document.startswith(mark):
            return _decoded(document[len(mark) :], encoding, None)
    for pattern, encoding in _PATTERNS:
        if document.startswith(pattern):
            return _decoded(document, encoding, None)
    return _decoded(document, _declared(document), fallback)


def known_encoding(name: str) -> str | None:
    """Python's name of a character set that may be declared or named as the fallback; None for others."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if found.startswith(_FAMILIES) else None


def _declared(document: bytes) -> str:
    declaration = _DECLARATION.match(document)
    if declaration is None:
        return "utf-8"
    name = declaration[1].decode("ascii").lower()
    if name.startswith(_WIDE):
        return "utf-8"
    encoding = known_encoding(name)
    if encoding is None:
        raise RecordRejected("xml.encoding", "the document declares an encoding that is not known here")
    return encoding


def _decoded(document: bytes, encoding: str, fallback: str | None) -> bytes:
    document = document.lstrip(_SPACE) if not encoding.startswith(("utf-16", "utf-32")) else document
    if document.isascii() and encoding in ("utf-8", "ascii"):
        return document
    try:
        text = document.decode(encoding)
    except UnicodeDecodeError as error:
        fault = f"the bytes are not {encoding} at byte {error.start}"
    else:
        return document if encoding == "utf-8" else _encoded(text)
    if fallback is None:
        raise RecordRejected("xml.encoding", f"{fault}; fallback_encoding may name what they are")
    try:
        text = document.decode(fallback)
    except UnicodeDecodeError as error:
        fault += f", and not {fallback} at byte {error.start}"
    else:
        return _encoded(text)
    raise RecordRejected("xml.encoding", fault)


def _encoded(text: str) -> bytes:
    try:
        return text.removeprefix("\ufeff").lstrip(" \t\r\n").encode("utf-8")
    except UnicodeEncodeError as error:
        fault = f"half of a surrogate pair at character {error.start}"
    raise RecordRejected("xml.encoding", fault)
