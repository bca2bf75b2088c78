"""Single mistakes in a large contract: each is refused at its place. What is expected is what CONTRACT.md says."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.xml.language.files import parse_contract

CONTRACT = Path(__file__).resolve().parents[4] / "fixtures" / "contracts" / "lending_full.json"
REMOVED = object()
MARK = "the line of this text is the one to name"

# A path begins with a table's name in brackets, or at the file; parts of a list are named as well. Expected places:
# `=` is the path itself, `^` what is around it, ` | ` either.
MISTAKES: list[tuple[str, Any, str, str]] = [
    # The file
    ("version", 2, "=", "1"),
    ("root", "1LoanFile", "=", "name"),
    ("root", "q:LoanFile", "=", "prefix q"),
    ("namespaces.h", 7, "=", "text"),
    ("namespaces", ["h"], "=", "object"),
    ("key", REMOVED, "=", "required"),
    ("key.type", "date", "=", "bigint"),
    ("key.path", "@", "=", "path"),
    ("target_schema", "two words", "=", "letters"),
    ("target_shema", "lending", "=", "target_schema"),
    ("enumerations.status", ["new"], "=", "object"),
    ("enumerations.yes_no.Y", None, "=", "true or false"),
    ("tables", [], "=", "empty"),
    # Tables
    ("[app_liability].name", "app_contact", "=", "already"),
    ("[app_contact].name", "app_base", "=", "already"),
    ("[app_base].name", "app_pricing", "[app_pricing].name", "already"),
    ("[app_contact].name", 7, "=", "text"),
    ("[app_liability].parent", "app_bse", "=", "app_base"),
    ("[app_liability].parent", "app_liability", "=", "round"),
    ("[app_liability].parent", "app_insurance", "=", "filled"),
    ("[app_liability].parent", "app_score", "=", "items"),
    ("[app_liability].rows", "Liabilities/@owner", "=", "path"),
    ("[app_employment].row_number", REMOVED, "^", "row_number"),
    ("[app_liability].row_number", "kind", "[app_liability].columns[kind].name", "already"),
    ("[app_phone].primary_key[2]", "phone_kind", "=", "phone_kind"),
    ("[app_phone].columns[phone_type].required", REMOVED, "[app_phone].primary_key[2]", "required"),
    ("[app_phone].columns[phone_type].nullable", True, "[app_phone].primary_key[2]", "nullable"),
    ("[app_liability].identity_insert", "yes", "=", "true or false"),
    ("[app_phone].duplicates", "newest", "=", "priority"),
    ("[app_address].where", [], "[app_address].duplicates", "with in"),
    ("[app_insurance].write", "full", "=", "filled"),
    # References
    ("[app_liability].references[0].table", "app_contct", "=", "app_contact"),
    ("[app_liability].references[0].to", ["app_id"], "^", "primary key"),
    ("[app_liability].references[0].columns[1]", "owner", "=", "owner"),
    ("[app_liability].references[0].columns", ["app_id"], "^", "columns"),
    (
        "[app_base].references",
        [{"columns": ["app_id"], "table": "app_pricing", "to": ["app_id"]}],
        "^ | [app_pricing]",
        "round",
    ),
    # Conditions
    ("[app_contact].where[0].path", "@@ref", "=", "path"),
    ("[app_contact].where[0].path", "q:Name", "=", "prefix q"),
    ("[app_contact].where[1].in", [], "=", "empty"),
    ("[app_contact].where[1].in", REMOVED, "^", "present"),
    # Selections
    ("[app_base].selections.home.from", "man", "=", "main"),
    ("[app_base].selections.main.from", "home", "^ | [app_base].selections.home", "round"),
    ("[app_base].selections.best.take", "best", "=", "priority"),
    ("[app_base].selections.best.where", [], "^", "with in"),
    ("[app_base].selections.remark.path", "Remarks/@x", "=", "path"),
    ("[app_base].columns[home_city].from", "hom", "=", "home"),
    ("[app_base].columns[feed].from", "main", "^", "path"),
    # Items and groups
    ("[app_score].items[0].path", "Scores//Fico", "=", "path"),
    ("[app_score].items[1].name", "FICO", "^", "already"),
    ("[app_score].items[3].from", "mein", "=", "main"),
    ("[app_score].items[1].steps[0]", "digts", "=", "digits"),
    ("[app_score].columns[score]", {"name": "score", "type": "int", "path": "A"}, "[app_score]", "item_value"),
    ("[app_score].groups", ["1"], "^", "groups"),
    ("[app_collateral].columns[collateral_no].take", "item_name", "^", "items"),
    ("[app_warranty].groups[1].name", "service", "^", "already"),
    ("[app_collateral].groups[1]", "01", "=", "one value of collateral_no"),
    ("[app_collateral].groups", [], "=", "empty"),
    ("[app_score].items", {}, "=", "list"),
    ("[app_collateral].groups[0]", "one", "[app_collateral]", "tinyint"),
    ("[app_liability].groups", ["1"], "^", "{group}"),
    ("[app_liability].columns[kind].path", "Kind{group}", "=", "group"),
    # Columns
    ("[app_base].columns[priority].type", "money", "=", "no such type"),
    ("[app_base].columns[loan_amount].type", "decimal(2,5)", "=", "scale"),
    ("[app_base].columns[status_text].type", "string", "=", "length"),
    ("[app_base].columns[status_text].name", "status text", "=", "letters"),
    ("[app_base].columns[status_text].name", 7, "=", "text"),
    ("[app_base].columns[status_text].name", "App_Id", "=", "already"),
    ("[app_base].columns[status_text].path", "../Status", "=", "path"),
    ("[app_base].columns[status_text].requird", True, "=", "required"),
    ("[app_base].columns[feed].path", "Feed", "^", "one"),
    ("[app_base].columns[feed].constant", REMOVED, "^", "constant"),
    ("[app_base].columns[feed].constant", "longer than ten", "^", "10"),
    ("[app_base].columns[feed_number].constant", "seven", "^", "whole number"),
    ("[app_base].columns[feed].steps", ["upper"], "^", "steps"),
    ("[app_collateral].columns[kind].take", "group_name", "^", "one"),
    ("[app_base].columns[priority].default", 256, "^", "255"),
    ("[app_base].columns[language].required", True, "^", "default"),
    ("[app_base].columns[term_months].nullable", False, "^", "default"),
    ("[app_base].columns[priority].trim", False, "^", "text"),
    ("[app_base].columns[priority].too_long", "truncate", "^", "string"),
    ("[app_base].columns[priority].unparsable", "ignore", "=", "null"),
    ("[app_base].columns[last_note].repeated", "all", "=", "last"),
    ("[app_pricing].fields", [{"name": "grade", "type": "text", "path": "G"}], "^", "already"),
    # Steps
    ("[app_base].columns[phone_digits].steps[0]", "digit", "=", "digits"),
    ("[app_base].columns[quarter_end].steps[0].lookup", "quarter", "^", "quarter_end"),
    ("[app_base].columns[quarter_end].steps[0].otherwise", "skip", "^", "keep"),
    ("[app_base].columns[purpose_code].steps[2].otherwise", {"value": "x"}, "^", "number"),
    ("[app_base].columns[branch_region].steps[1].lookup", {"100": 1}, "^", "text"),
    ("enumerations.status.new", "one", "= | [app_base].columns[status_code].steps[0]", "whole number"),
    ("[app_base].columns[signed_on].steps[0].date[0]", "%d.%q.%Y", "[app_base].columns[signed_on].steps[0]", "%q"),
    ("[app_base].columns[signed_on].steps[0].date[0]", "%d.%m.", "[app_base].columns[signed_on].steps[0]", "year"),
    ("[app_base].columns[has_promo].steps[0].constant", 1, "^", "true"),
    # Formulas
    ("[app_base].columns[price_kind].calculate", "CASE WHEN", "=", "line 1"),
    ("[app_base].columns[price_kind].calculate", "app_pricing.rate_kind;", "=", ";"),
    ("[app_base].columns[price_kind].calculate", "app_price.rate_kind", "=", "app_price"),
    ("[app_base].columns[price_kind].calculate", "status_txt", "=", "status_text"),
    ("[app_base].columns[price_kind].calculate", "loan_amount", "=", "text"),
    ("[app_base].columns[price_kind].calculate", "app_phone.phone_type", "=", "app_phone"),
    ("[app_base].columns[price_kind].calculate", "app_score.score_name", "=", "app_score"),
    ("[app_base].columns[review_on].calculate", "DATEADD(day, 1, review_on)", "=", "round"),
    ("[app_base].columns[review_on].calculate", "DATEADD(week, 1, submitted_on)", "=", "week"),
    ("[app_base].columns[review_on].calculate", "DATE '2026-02-30'", "=", "date"),
    (
        "[app_base].columns[promo_kind].calculate",
        "CASE WHEN promo_rank = 1 THEN 'first' END",
        "= | [app_base].columns[promo_rank].calculate",
        "round",
    ),
    ("[app_base].columns[late_2025].calculate", "CASE WHEN loan_amount > 'much' THEN TRUE END", "=", "number"),
    ("[app_base].columns[late_2025].calculate", "CASE WHEN fast_track = 2 THEN TRUE END", "=", "bit"),
]


def place_of(path: str, document: Any) -> list[str | int]:
    """Names in brackets are those of the list's members."""
    place: list[str | int] = []
    for name, member in re.findall(r"(\w+)|\[(\w+)\]", f"tables{path}" if path.startswith("[") else path):
        step: str | int = name
        if member:
            named = [part.get("name") if isinstance(part, dict) else None for part in document]
            step = int(member) if member.isdecimal() else named.index(member)
        there = isinstance(step, int) or step in document
        document = document[step] if there else None
        place.append(step)
    return place


def written(place: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def changed(document: Any, place: list[str | int], value: Any) -> Any:
    copy = deepcopy(document)
    inner = copy
    for step in place[:-1]:
        inner = inner[step]
    if value is REMOVED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return copy


def line_of(document: Any, place: list[str | int]) -> int:
    """Of the place, or of what is around it where it is not there: found without the code under test."""
    inner = document
    for depth, step in enumerate(place):
        if isinstance(inner, dict) and step not in inner:
            return line_of(document, place[:depth])
        inner = inner[step]
    if not place:
        return 1
    lines = json.dumps(changed(document, place, MARK), indent=1).splitlines()
    return 1 + next(number for number, line in enumerate(lines) if MARK in line)


def faults_of(document: Any) -> list[tuple[str, int, str]]:
    with pytest.raises(SettingsError) as raised:
        parse_contract(json.dumps(document, indent=1), "lending_full.json")
    found = [re.fullmatch(r"  (\S+) \(line (\d+)\): (.+)", line) for line in str(raised.value).splitlines()[1:]]
    assert all(found), raised.value
    return [(fault[1], int(fault[2]), fault[3]) for fault in found if fault]


def test_the_contract_is_sound_before_it_is_changed_and_the_mistakes_are_many() -> None:
    assert parse_contract(CONTRACT.read_text(encoding="utf-8")).contract == "lending_full"
    assert len(MISTAKES) >= 50
    assert len({(path, repr(value)) for path, value, _, _ in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize(
    ("path", "value", "places", "word"),
    [pytest.param(*mistake, id=f"{mistake[0]}-{number}") for number, mistake in enumerate(MISTAKES)],
)
def test_a_single_mistake_in_a_large_contract_is_refused_alone_with_its_place_and_line(
    path: str, value: Any, places: str, word: str
) -> None:
    sound = json.loads(CONTRACT.read_text(encoding="utf-8"))
    document = changed(sound, place_of(path, sound), value)
    faults = faults_of(document)
    assert len(faults) == 1, faults
    around = re.sub(r"(\.\w+|\[\w+\])$", "", path)
    texts = [{"=": path, "^": around}.get(text, text) for text in places.split(" | ")]
    expected = "|".join(re.escape(written(place_of(text, sound))) + r"(?!\w)" for text in texts)
    fitting = [fault for fault in faults if re.match(expected, fault[0]) and word in fault[2]]
    assert fitting, (faults, expected)
    place, line, message = fitting[0]
    exact = [int(index) if index else name for index, name in re.findall(r"\[(\d+)\]|([^.\[\]]+)", place)]
    assert line == line_of(document, exact), message
