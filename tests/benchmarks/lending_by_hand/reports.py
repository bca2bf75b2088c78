"""By hand: the tables app_score, app_indicator, app_report, app_report_link and app_liability."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.conversions import XML_SPACE
from include.pipelines.xml.mapping.selections import own_text
from tests.benchmarks.lending_by_hand.reading import (
    DIGITS,
    FILE,
    FIRST_NUMBER,
    TO_BIT,
    TO_DATE,
    TO_DATETIMEOFFSET,
    TO_DECIMAL,
    TO_INT,
    YES_NO,
    Columns,
    Rows,
    Section,
    Values,
    Warnings,
    check_unique,
    count,
    put,
    require,
    stepped,
    take,
    valued,
)


def _report_value(element: Element, values: Values) -> None:
    put(values, "app_report_link", "income", element.get("ref"))


def _staff(element: Element, values: Values) -> None:
    put(values, "app_indicator", "staff", element.get("flag"))


_SCORES = Section("app_score", {"Fico": ("FICO", TO_INT), "Internal": ("Internal", stepped(FIRST_NUMBER, TO_INT))})
_INDICATORS = Section(
    "app_indicator",
    {
        "FirstTimeBuyer": ("first_time_buyer", None),
        "Staff": (None, _staff),
        "Exposed": ("politically_exposed", None),
        "Sanctions": ("sanctions_hit", None),
    },
)
_REPORT = Section(
    "app_report",
    {
        "Bureau": ("bureau", None),
        "PulledAt": ("pulled_at", TO_DATETIMEOFFSET),
        "Pages": ("pages", TO_INT),
        "Score": ("score", TO_INT),
        "File": (None, valued("app_report", "file_name", None, sha256=("checksum", None))),
    },
)
_LIABILITY = Section(
    "app_liability",
    {
        "Kind": ("kind", None),
        "Lender": ("lender", None),
        "AccountRef": ("account_ref", None),
        "Balance": ("balance", TO_DECIMAL),
        "CreditLimit": ("credit_limit", TO_DECIMAL),
        "MonthlyPayment": ("monthly_payment", TO_DECIMAL),
        "MonthsLeft": ("months_left", TO_INT),
        "OpenedOn": ("opened_on", TO_DATE),
        "Secured": ("secured", TO_BIT),
    },
)

REPORT = Columns("app_report", "app_id report_ref bureau pulled_at pages score file_name checksum")
LIABILITY = Columns(
    "app_liability",
    """app_id liability_no owner_ref kind lender account_ref balance credit_limit monthly_payment months_left opened_on
    secured""",
    secured=False,
)

_BUREAU = stepped(DIGITS, TO_INT)
_REPORT_TAG, _INCOME_TAG, _LIABILITY_TAG = FILE + "Report", FILE + "IncomeReport", FILE + "Liability"


def scores(elements: Iterable[Element], declared: Iterable[Element], key: int, rows: Rows) -> None:
    """`declared` are the elements of the first main contact."""
    values: Values = {}
    for element in elements:
        put(values, "app_score", "Bureau", element.get("bureau"), _BUREAU)
        put(values, "app_score", "scored_on", element.get("on"), TO_DATE)
        take(element, _SCORES, values)
    for element in declared:
        put(values, "app_score", "Declared", own_text(element), TO_INT)
    scored_on = values.get("scored_on")
    found = [
        (key, name, value, scored_on)
        for name in ("FICO", "Bureau", "Internal", "Declared")
        if (value := values.get(name)) is not None
    ]
    if found:
        rows["app_score"] = found


def indicators(elements: Iterable[Element], key: int, warnings: Warnings, rows: Rows) -> None:
    """A text that is neither yes nor no is counted."""
    found = []
    for element in elements:
        values: Values = {}
        take(element, _INDICATORS, values)
        for name in ("first_time_buyer", "staff", "politically_exposed", "sanctions_hit"):
            if name in values:
                is_set = YES_NO.get(values[name])
                if is_set is None:
                    count(warnings, "unknown app_indicator.is_set")
                else:
                    found.append((key, name, is_set, "file"))
    if found:
        check_unique(found, "app_indicator", "indicator", 1)
        rows["app_indicator"] = found


def reports(elements: Iterable[Element], key: int, rows: Rows) -> None:
    """The first of each reference, and what refers to them."""
    found: dict[str, Values] = {}
    links = []
    for element in elements:
        kinds: Values = {}
        put(kinds, "app_report_link", "credit", element.get("credit"))
        put(kinds, "app_report_link", "fraud", element.get("fraud"))
        put(kinds, "app_report_link", "on", element.get("on"), TO_DATE)
        for child in element:
            if child.tag == _REPORT_TAG:
                values: Values = {"app_id": key}
                put(values, "app_report", "report_ref", child.get("ref"))
                take(child, _REPORT, values)
                require(values, "app_report", ("report_ref",))
                found.setdefault(values["report_ref"], values)
            elif child.tag == _INCOME_TAG:
                _report_value(child, kinds)
        links += [(key, kind, kinds[kind], kinds.get("on")) for kind in ("credit", "fraud", "income") if kind in kinds]
    if found:
        rows["app_report"] = [REPORT.row(values) for values in found.values()]
    if links:
        check_unique(links, "app_report_link", "report_kind", 1)
        rows["app_report_link"] = links


def liabilities(elements: Iterable[Element], key: int, rows: Rows) -> None:
    """Numbered in document order."""
    found: list[tuple[Any, ...]] = []
    for group in elements:
        for element in group.iterchildren(_LIABILITY_TAG):
            values: Values = {"app_id": key, "liability_no": len(found) + 1}
            put(values, "app_liability", "owner_ref", element.get("owner"))
            take(element, _LIABILITY, values)
            found.append(LIABILITY.row(values))
    if found:
        rows["app_liability"] = found


def last_remark(groups: Iterable[Element]) -> str | None:
    """That says something."""
    found = None
    for group in groups:
        for element in group.iterchildren(FILE + "Remark"):
            found = own_text(element).strip(XML_SPACE) or found
    return found
