"""Ways to break a generated document on purpose, each one a real incident of some import."""

from __future__ import annotations

from collections.abc import Callable

Document = str | bytes


def _replaced(document: str, old: str, new: str) -> str:
    broken = document.replace(old, new, 1)
    if broken == document:  # a fault that changes nothing would make the known counts wrong
        raise AssertionError(f"the generated document holds no {old!r}")
    return broken


def _cut_out(document: str, element: str) -> str:
    start = document.index(f"<{element}>")
    end = document.index(f"</{element}>") + len(element) + 3
    return document[:start] + document[end:]


def _truncated(document: str) -> Document:
    return document[: len(document) * 2 // 3]


def _doctype(document: str) -> Document:
    return _replaced(document, "<LendingApplication", '<!DOCTYPE d [<!ENTITY e "x">]>\n<LendingApplication')


def _missing_required(document: str) -> Document:
    return _cut_out(document, "SubmittedOn")


def _bad_date(document: str) -> Document:
    start = document.index("<BirthDate>") + len("<BirthDate>")
    return document[:start] + "31.02.1980" + document[document.index("</BirthDate>") :]


def _bad_number(document: str) -> Document:
    start = document.index("<TermMonths>") + len("<TermMonths>")
    return document[:start] + "five years" + document[document.index("</TermMonths>") :]


def _wrong_encoding(document: str) -> Document:
    # cp1252 bytes under a declaration that says UTF-8
    named = _replaced(document, "<Line2/>", "<Line2>Hinterhof, Stöckl</Line2>")
    return named.encode("cp1252", errors="replace")


def _wrong_root(document: str) -> Document:
    return document.replace("LendingApplication", "LeasingApplication")


def _wrong_key(document: str) -> Document:
    return _replaced(document, '<LendingApplication id="', '<LendingApplication id="9')


def _not_xml(_: str) -> Document:
    return '{"application": "this is not the format that was agreed"}'


def _empty(_: str) -> Document:
    return ""


FAULTS: dict[str, Callable[[str], Document]] = {
    "truncated": _truncated,
    "doctype": _doctype,
    "missing_required": _missing_required,
    "bad_date": _bad_date,
    "bad_number": _bad_number,
    "wrong_encoding": _wrong_encoding,
    "wrong_root": _wrong_root,
    "wrong_key": _wrong_key,
    "not_xml": _not_xml,
    "empty": _empty,
}
"""By name, in the order in which the generator hands them out."""
