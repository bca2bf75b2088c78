"""Mends what a PDF library gives as the text of a page."""

from __future__ import annotations

import re
import unicodedata

UNMAPPED = "\ufffd"
"""Stands for a character whose font does not say what it means."""

HYPHEN = "\ufffe"
"""PDFium's mark of a hyphen at the end of a line, with which it joins the two lines."""

_TRAILING = re.compile("[ \t]+\n")

_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
"""Soft hyphens, joiners without width, byte order marks: they would split words for a search."""

_SHAPES = "\ufb00-\ufb06\ufb13-\ufb17\ufb50-\ufdff\ufe70-\ufefc"
"""Ligatures of Latin and Armenian, and Arabic letters by their place in a word: shapes, not characters."""

_NO_CHARACTERS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
"""Control characters, halves of surrogate pairs: what comes for a code of a font that says no more."""

_ODD = re.compile(f"[{_INVISIBLE}{_SHAPES}{_NO_CHARACTERS}]")

_PRIVATE = re.compile("[\ue000-\uf8ff\ufffd]")


_PLAIN = bytes([9, 10, *range(32, 127)])
"""Of ASCII, what is no control character."""


def mend(text: str) -> str:
    """Lines end with a line feed, words broken at a line's end are whole, Unicode is NFC.

    Control characters (codes of a font without a mapping) become U+FFFD. The order stays as it is.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # A pattern takes its time with every character; most pages are spared that.
    if not text.isascii() or text.encode().translate(None, _PLAIN):
        if HYPHEN in text:
            text = _join_words(text)
        text = unicodedata.normalize("NFC", _ODD.sub(_meaning, text))
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("\n", text)
    return text.rstrip(" \t\n").lstrip("\n")


def unmapped_share(text: str) -> float:
    """Share of characters, blanks not counted, that are U+FFFD or for private use."""
    if text.isascii():
        return 0.0
    characters = len(text) - sum(map(text.count, " \n\t"))
    return len(_PRIVATE.findall(text)) / characters if characters else 0.0


def _meaning(odd: re.Match[str]) -> str:
    character = odd.group()
    if character in _INVISIBLE:
        return ""
    return unicodedata.normalize("NFKC", character) if "\ufb00" <= character <= "\ufefc" else UNMAPPED


def _join_words(text: str) -> str:
    """A hyphen before a capital or a digit belongs to the word (`Schwarz-Weiß`), unless the word is all capitals."""
    first, *others = text.split(HYPHEN)
    joined = [first]
    before = first[-1:]
    for other in others:
        part = other.removeprefix("\n")
        after = part[:1]
        broken = after.islower() or (before.isupper() and after.isupper())
        joined.append(part if broken else f"-{part}")
        before = part[-1:]
    return "".join(joined)
