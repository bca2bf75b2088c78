"""A model's text as the text alone: without what it says around it, and without markup.

Time grows with the text's length, whatever is in it: all rows' threads wait while one of them is in a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = "```"
_FENCE_LINE = re.compile(rf"{_FENCE}[\w-]*[ \t]*\n")
_HERE = r"here(?:'s|\u2019s| is| are)\b[^\n.:]{0,100}:"
_PREAMBLE = re.compile(
    rf"\A(?:(?:sure|certainly|of course|absolutely|okay|ok)\b[^\n:]{{0,20}}?[!.,]\s+{_HERE}\s*|{_HERE}[ \t]*\n+)",
    re.IGNORECASE,
)
_POLITE = re.compile(r"\A(?:sure|certainly|of course|absolutely)(?: thing)?[!.,:][ \t]*\n+", re.IGNORECASE)
_SUBJECT = re.compile(r"\A(?:\*\*)?(?:subject|betreff)(?:\*\*)?\s*:[^\n]*\n+", re.IGNORECASE)
_HELLO = r"(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening))\b"
_GREETING = re.compile(
    rf"\A{_HELLO}(?:[^\n!?]{{0,60}}[,:!][ \t]*\n+|[^\n.!?,]{{0,40}}[,!][ \t]+(?=[A-Z]))", re.IGNORECASE
)
"""A line of its own, where titles may be abbreviated, or the beginning of the first sentence."""
_QUOTES = ('""', "''", "“”", "„“", "«»", "\u2018\u2019", "``")

_MARKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!?\[([^\[\]\n]+)\]\((?:[^()\s]|\([^()\s]*\))+\)"), r"\1"),
    (re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*$\n?", re.MULTILINE), ""),
    (re.compile(r"^([ \t]*)[*+][ \t]+", re.MULTILINE), r"\1- "),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?!\w)"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)
"""Links, headings, quotations, rules, bullets, italics, code; a star or a dash within a text stays."""

MAX_CHARS = 128 * 1024
"""Of a text that is worth cleaning: four times what a spreadsheet's cell holds."""
MAX_ROUNDS = 4
"""Layers that are taken off: quotes in a fence after a preamble."""


def cleaned(text: str, *, greeting: bool = True) -> str:
    """Fences, preambles, subject lines, quotes around it and (with `greeting`) the greeting taken off; no markdown.

    Cleaning what was cleaned changes nothing, but for texts with more layers than `MAX_ROUNDS`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").strip()
    for _ in range(MAX_ROUNDS):
        before = text
        text = _unquoted(_unfenced(text.strip()))
        for pattern in (_POLITE, _PREAMBLE, _SUBJECT, *((_GREETING,) if greeting else ())):
            text = pattern.sub("", text, count=1).strip()
        text = "\n".join(_without_bold(line) for line in text.split("\n"))
        for pattern, plain in _MARKS:
            text = pattern.sub(plain, text)
        if text == before:
            break
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _unfenced(text: str) -> str:
    first = _FENCE_LINE.match(text)
    if first is None or not text.endswith(_FENCE, first.end()):
        return text
    return text[first.end() : -len(_FENCE)].strip()


def _without_bold(line: str) -> str:
    for mark in ("**", "__"):
        if mark in line:
            line = "".join(_outside(line, mark))
    return line


def _outside(line: str, mark: str) -> Iterator[str]:
    """Leaves out two marks that hold something without spaces at its ends.

    A pattern would look to the line's end for each mark that has no partner.
    """
    at = 0
    while (start := line.find(mark, at)) >= 0:
        inner = start + len(mark)
        if inner >= len(line) or line[inner].isspace():
            yield line[at : start + 1]
            at = start + 1
            continue
        end = line.find(mark, inner + 1)
        while end >= 0 and line[end - 1].isspace():
            end = line.find(mark, end + 1)
        if end < 0:
            break
        yield line[at:start] + line[inner:end]
        at = end + len(mark)
    yield line[at:]


def _unquoted(text: str) -> str:
    """Quotes that hold the whole text, and not two quotations with something between."""
    for pair in _QUOTES:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[1]:
            inner = text[1:-1]
            if pair[0] not in inner and pair[1] not in inner:
                return inner.strip()
    return text
