"""Documents of a wanted size for the contract lending_full, made from the fixture's richest one.

Its optional parts are left out at random, its amounts and days varied, and its repeated parts repeated. At most
`MAPPED_BYTES` are repeated parts, as no application has a hundred contacts; the rest is what no contract reads: events
and long notes. A document depends on (seed, key, size) alone.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import count, cycle
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # neither annotations nor stubs are among the requirements

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "contracts"
MAPPED_BYTES = 60_000

_FILE = "{urn:headrace:lending:file}"
_NEEDED = frozenset(
    _FILE + name
    for name in (
        "Application", "Number", "Status", "SubmittedOn", "Loan", "Amount", "Contacts", "Contact", "Name", "Last",
        "Addresses", "Address", "City", "Employer", "Phones", "FinalRate", "Outcome",
    )
)  # fmt: skip
_REPEATED = (
    "Contacts/Contact", "Liabilities/Liability", "Contacts/Contact", "Decisions/Decision", "Reports/Report",
    "Contacts/Contact/Employments/Employment", "Contacts/Contact/Addresses/Address", "Remarks/Remark",
)  # fmt: skip
_KEYS = {"Contact": ("ref", "C"), "Report": ("ref", "R-"), "Decision": ("id", "99")}
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2,6}")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-)[0-9]{2}(?=$|T)")
_WORDS = "the applicant called about income papers and asked for a later date as the bank needs more proof".split()  # noqa: SIM905 - a sentence

Tree = Any


def lending_file(key: int, seed: int, size_bytes: int) -> bytes:
    """Sound, and within an eighth of the size."""
    draw = random.Random(f"{seed} {key} {size_bytes}")
    root = copy.deepcopy(_richest())
    root.set("id", str(key))
    _vary(root, draw)
    if _size(root) > size_bytes:
        _shrink(root, draw, size_bytes)
    else:
        _grow(root, draw, min(size_bytes, MAPPED_BYTES))
        _pad(root, draw, size_bytes)
    document: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return document


@cache
def _richest() -> Tree:
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    root = etree.parse(FIXTURES / "lending_full" / "rich.xml", parser).getroot()
    root.remove(root.find(_FILE + "Audit"))
    return root


def _size(element: Tree) -> int:
    return len(etree.tostring(element, encoding="UTF-8", pretty_print=True))


def _vary(root: Tree, draw: random.Random) -> None:
    for element in list(root.iterdescendants()):
        if len(element) == 0 and element.tag not in _NEEDED and draw.random() < 0.1:
            element.getparent().remove(element)
        elif element.text:
            element.text = _varied(element.text, draw)


def _varied(text: str, draw: random.Random) -> str:
    if _AMOUNT.fullmatch(text):
        return re.sub("[1-9]", lambda _: str(draw.randint(1, 9)), text)
    return _DAY.sub(lambda day: f"{day[1]}{draw.randint(1, 28):02}", text)


def _shrink(root: Tree, draw: random.Random, size_bytes: int) -> None:
    """Whole parts first, then elements in them."""
    for element in _droppable(root, draw):
        if _size(root) <= size_bytes:
            return
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)


def _droppable(root: Tree, draw: random.Random) -> Iterator[Tree]:
    contacts = root.find(_FILE + "Contacts")
    yield from draw.sample(list(contacts), len(contacts) - 1)
    for level in ([*root], [*root.iterdescendants()]):
        parts = [element for element in level if element.tag not in _NEEDED]
        yield from draw.sample(parts, len(parts) // (2 if level[0].getparent() is root else 1))


def _grow(root: Tree, draw: random.Random, size_bytes: int) -> None:
    numbers = count(10)
    missing = size_bytes - _size(root)
    patterns = {path: _richest().findall(_path(path)) for path in _REPEATED}
    for path in cycle(_REPEATED):
        above, _, name = path.rpartition("/")
        part = copy.deepcopy(draw.choice(patterns[path]))
        _vary(part, draw)
        if name in _KEYS and draw.random() < 0.9:
            attribute, start = _KEYS[name]
            part.set(attribute, f"{start}{next(numbers)}")
        elif name == "Decision":
            continue  # a second one of its number would be a reject
        missing -= _size(part)
        if missing < 0:
            return
        draw.choice(root.findall(_path(above))).append(part)


def _path(path: str) -> str:
    return "/".join(_FILE + name for name in path.split("/"))


def _pad(root: Tree, draw: random.Random, size_bytes: int) -> None:
    """Two thirds of the bytes are events, one third notes of 2 to 6 KB."""
    missing = size_bytes - _size(root)
    if missing < 2_000:
        return
    audit, notes = etree.SubElement(root, _FILE + "Audit"), etree.SubElement(root, _FILE + "Notes")
    while _size(audit) < missing * 2 // 3:
        for number in range(20):
            event = etree.SubElement(audit, _FILE + "Event", at=f"2026-01-{draw.randint(10, 28)}T08:00:{number:02}")
            etree.SubElement(event, _FILE + "Kind").text = draw.choice(_WORDS)
            etree.SubElement(event, _FILE + "Detail").text = _sentence(draw, 8)
    missing -= _size(audit)
    while missing > 0:
        note = etree.SubElement(notes, _FILE + "Note", by=f"officer-{draw.randint(1, 99)}")
        note.text = _sentence(draw, draw.randint(400, 1200))[:missing]
        missing -= _size(note)


def _sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_WORDS, k=words))
