"""The first number in a text, where its writing leaves no doubt which number it is.

One rule, which CONTRACT.md states: the point is the decimal one, and commas, apostrophes or blanks that do not break
separate thousands. What other conventions write with the same characters is refused wherever it would give another
number: a wrong amount looks like any other in a table, a rejected record does not.
"""

from __future__ import annotations

import re

from include.pipelines.xml.mapping.conversions import Unfit

_SYMBOLS = "$¢£¤¥฿" + "".join(map(chr, range(0x20A0, 0x20C1)))
"""Of currencies."""
_PLUS_AND_MINUS = {"+": "+", "-": "-", "\u2212": "-"}
_LIKE_SIGNS = "+\u00b1-\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d"
"""Also hyphens and dashes, which some write for a minus and others between words."""
_MINUS = f"[{re.escape(_LIKE_SIGNS[2:])}]"
_FRACTION = "[\u00bc-\u00be\u2150-\u215e\u2189]"
_RAISED = "[\u00b2\u00b3\u00b9\u2070-\u2079]"
_DECIMAL_COMMAS = ",\u00b7\u066b"
_THOUSANDS = ",'\u2019\u00a0\u2007\u2009\u202f"
_WITHIN = f"[{_THOUSANDS}{_DECIMAL_COMMAS}._/`\u00b4\u02bc\u02d9\u066c\u2008\u200a\u2018\u2022\u2044\u22c5]"
"""What may join digits to one number, in one convention or another; hyphens, colons and the like part numbers."""

_signed = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?").fullmatch
_plain = re.compile(r"[0-9]*\.?[0-9]+").fullmatch
_grouped = re.compile(
    rf"(?:[1-9][0-9]{{0,2}}([{_THOUSANDS}])[0-9]{{3}}(?:\1[0-9]{{3}})*"  # 0,500 may be one half
    r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.[0-9]+)?"  # lakhs and crores: 12,34,567
).fullmatch
_separators = re.compile(f"[{_THOUSANDS}]").sub
_written = re.compile(rf"\.?(?:\d|{_FRACTION})(?:{_WITHIN}?\d)*").search
_currency = re.compile(rf"(?:[^\W\d_]{{0,3}}[{_SYMBOLS}]|[^\W\d_]{{1,3}}\.?|)\Z").search
_code = re.compile(r"(?<![^\W_])[A-Z]{3}\Z").search
_minus_behind = re.compile(
    rf"{_MINUS}(?![\w{_SYMBOLS}])|{_MINUS}(?=[{_SYMBOLS}](?!\d)|[A-Z]{{3}}(?!\w))|\s*(?:[{_SYMBOLS}]|[A-Z]{{3}})?\s*{_MINUS}\s*\Z"
).match
_closing = re.compile(rf"\s*(?:[^\W\d_]{{0,3}}[{_SYMBOLS}]?|[^\W\d_]{{1,3}}\.)\s*\)").match
_goes_on = re.compile(rf"[eE][+-]?\d|\s?{_FRACTION}|{_RAISED}|\s\d+[/\u2044]\d").match
_three_more = re.compile(r"[^\S\r\n][0-9]{3}(?!\d)").match

_NOT_PLAIN = "holds a number that is not plainly written, as 1234.5 or 1,234.5 is"
_NO_CLEAR_SIGN = "holds a number that may be negative or not"


def first_number(text: str) -> str:
    """Sign, digits and at most one point. Raises `Unfit` where there is no number, or one of doubtful meaning."""
    if _signed(text):
        return text
    found = _written(text)
    if found is None:
        raise Unfit("holds no number")
    start, end = found.span()
    written = found[0]
    if written[0] == "." and start and (text[start - 1].isalnum() or text[start - 1] in "._"):
        written, start = written[1:], start + 1  # of No.5 it is 5
    number = _digits(written)
    in_thousands = "." not in number and number[0] != "0" and (number != written or len(number) <= 3)
    if _goes_on(text, end) or (in_thousands and _three_more(text, end)):
        raise Unfit(_NOT_PLAIN)  # 1 234 may be one number or two; 2024 500 and 1.5 300 are two
    head = text[:start]
    if head[-1:] in tuple(_DECIMAL_COMMAS) and not head[-2:-1].isalnum():
        raise Unfit(_NOT_PLAIN)
    currency = _currency_before(head)
    front = head.rstrip()[: -len(currency) or None].rstrip()
    if _minus_behind(text, end) or (front.endswith("(") and _closing(text, end)):
        raise Unfit(_NO_CLEAR_SIGN)
    return _sign(head, currency, front) + number


def _digits(written: str) -> str:
    """Without separators of thousands."""
    if written.isascii() and _plain(written):
        return written
    if _grouped(written):
        return _separators("", written)
    raise Unfit(_NOT_PLAIN)


def _currency_before(head: str) -> str:
    """What stands between a sign or parenthesis and a number, without blanks; some other short word may."""
    found = _currency(head.rstrip()[-5:])
    return "" if found is None else found[0]


def _sign(head: str, currency: str, front: str) -> str:
    """Of a number behind `head`, which is `front` and then the currency, with or without blanks."""
    before = front.rstrip(_LIKE_SIGNS)
    signs = front[len(before) :]
    if not signs or (before[-1:].isalnum() and not _code(before[-4:])):
        return ""  # behind a letter it is a hyphen: the number of FICO-720 is 720
    touching = len(front) + len(currency) == len(head) and (not currency or currency in tuple(_SYMBOLS))
    if signs in _PLUS_AND_MINUS and touching and not before[-1:].isalnum():
        return _PLUS_AND_MINUS[signs]
    if signs == "+":
        return ""
    raise Unfit(_NO_CLEAR_SIGN)
