"""Which characters the bytes of a text file are."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from include.engine.errors import SettingsError

UTF_8 = "utf-8"

_ASCII = bytes(range(128))

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNITS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
_LITTLE = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Without a mark, what nearly everybody writes."""

_GUESSED = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp437", "cp850", "cp852",
    "mac_roman", "iso8859_2", "iso8859_15", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949",
]  # fmt: skip
"""What files of business software are written in; the rare ones win guesses that they should not."""

WESTERN = "cp1252"
"""Where nothing tells, and where another is no better: it is what Excel writes in most of the world."""


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """Bytes 0A and 0D are always line ends in it, or units of it are."""

    codec: str
    mark: int = 0
    """Bytes of the byte order mark that the file begins with."""

    @property
    def unit(self) -> int:
        """Bytes that a line end has at least: 2 in UTF-16, 4 in UTF-32."""
        return _UNITS.get(self.codec, 1)

    @property
    def byte_order_mark(self) -> bytes:
        """The mark itself; empty where the file has none."""
        return next(mark for mark, codec in _MARKS if codec == self.codec) if self.mark else b""


def marked(head: bytes) -> TextEncoding | None:
    """As the byte order mark says; None without one."""
    return next((TextEncoding(codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), None)


def named(name: str, head: bytes) -> TextEncoding:
    """What somebody gave for a file that begins so.

    Raises `SettingsError` for a name that Python does not know, and for encodings whose line ends are not to be found
    in the bytes (UTF-7, ISO-2022, EBCDIC).
    """
    try:
        codec = codecs.lookup(name).name
        codec = UTF_8 if codec == "utf-8-sig" else _LITTLE.get(codec, codec)
        if codec not in _UNITS and (codec.startswith("iso2022") or _ASCII.decode(codec) != _ASCII.decode("ascii")):
            raise ValueError
    except (LookupError, ValueError):
        raise SettingsError(f"encoding: {name[:40]!r} cannot be read: give utf-8, cp1252, utf-16 or the like") from None
    found = marked(head)
    same_family = found is not None and (found.codec == codec or name.lower().replace("_", "-") in _LITTLE)
    return found if found is not None and same_family else TextEncoding(codec)


def asked(name: str) -> TextEncoding:
    """Of a file to write: as `named`, with a byte order mark where Python writes one under that name."""
    codec = named(name, b"").codec
    with_mark = name.lower().replace("_", "-") in {"utf-8-sig", *_LITTLE}
    return TextEncoding(codec, next(len(mark) for mark, of in _MARKS if of == codec) if with_mark else 0)


def unmarked(head: bytes) -> TextEncoding:
    """The first guess: UTF-16 where zeros lie as in its ASCII characters, with a line end among them; else UTF-8."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    often = max(even, odd) * 3 > len(head[::2]) and min(even, odd) * 10 <= max(even, odd)
    ends = "\n" in head.decode(codec, "replace") or "\r" in head.decode(codec, "replace")
    return TextEncoding(codec if often and ends else UTF_8)


def guessed(lines: Sequence[bytes]) -> TextEncoding:
    """Of a file that is not UTF-8, from lines that show it."""
    matches = from_bytes(b"".join(lines), cp_isolation=_GUESSED)
    best = matches.best()
    if best is None or any(
        WESTERN in match.could_be_from_charset and (match.chaos, -match.coherence) <= (best.chaos, -best.coherence)
        for match in matches
    ):
        return TextEncoding(WESTERN)
    return TextEncoding(codecs.lookup(best.encoding).name)
