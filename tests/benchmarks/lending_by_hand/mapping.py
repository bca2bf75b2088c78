"""The contract lending_full as an engineer would map it by hand, for speed: what the compiled plan is measured against.

Each element is visited once, formulas are plain conditions, and nothing is decided at run time that is the same for
every document. As strict as the contract: types, required values, repeated values, look-ups, duplicates. It gives the
contract's rows and warnings, but not the marks of columns that held a value.
"""

from __future__ import annotations

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows
from include.pipelines.xml.document.libxml import Element
from tests.benchmarks.lending_by_hand.application import application
from tests.benchmarks.lending_by_hand.calculated import BASE, calculate, calculate_from_others, main_contact
from tests.benchmarks.lending_by_hand.contacts import Contacts
from tests.benchmarks.lending_by_hand.offers import INSURANCE, PRICING, decisions, insurance, pricing
from tests.benchmarks.lending_by_hand.people import people
from tests.benchmarks.lending_by_hand.reading import FILE, TO_INT, Rows, Values, Warnings, attribute, put, require
from tests.benchmarks.lending_by_hand.reports import indicators, last_remark, liabilities, reports, scores
from tests.benchmarks.lending_by_hand.securities import collaterals, exceptions, warranties

ROOT = FILE + "LoanFile"
ORDER = (
    "app_base",
    "app_pricing",
    "app_insurance",
    "app_contact",
    "app_lead_contact",
    "app_warranty",
    "app_policy_exception",
    "app_score",
    "app_indicator",
    "app_report",
    "app_decision",
    "app_report_link",
    "app_collateral",
    "app_liability",
    "app_address",
    "app_employment",
    "app_phone",
    "app_name_history",
    "app_decision_reason",
)
"""Parents first, and tables before those that refer to them."""

Parts = dict[str, list[Element]]


def map_by_hand(root: Element, key: int) -> NotedRows:
    """The document's rows by table, tables without rows left out.

    Raises `RecordRejected` with the codes of the compiled plan.
    """
    if root.tag != ROOT:
        raise RecordRejected("xml.root", "the document element is not LoanFile")
    found: Values = {}
    put(found, "record", "app_id (@id)", root.get("id"), TO_INT)
    if found.get("app_id (@id)") != key:
        raise RecordRejected("xml.key", "app_id (@id) is not the key that the source has")
    if attribute(root, "state") not in ("active", "archived"):
        return NotedRows()
    parts: Parts = {}
    for child in root:
        parts.setdefault(child.tag, []).append(child)
    warnings: Warnings = {}
    rows = _rows(root, parts, key, warnings)
    return NotedRows(((name, rows[name]) for name in ORDER if rows.get(name)), warnings)


def _rows(root: Element, parts: Parts, key: int, warnings: Warnings) -> Rows:
    def of(name: str) -> list[Element]:
        return parts.get(FILE + name, [])

    rows: Rows = {}
    contacts = Contacts(of("Contacts"), warnings)
    base = application(root, parts, warnings)
    base["app_id"] = key
    if contacts.main is not None:
        main_contact(base, contacts.main, warnings)
    base["backer_ref"] = None if contacts.backer is None else attribute(contacts.backer, "ref")
    base["best_ref"] = None if contacts.best is None else attribute(contacts.best, "ref")
    base["last_remark"] = last_remark(of("Remarks"))
    require(base, "app_base", ("application_number", "status_code", "submitted_on", "loan_amount"))
    calculate(base)
    price = pricing(of("Pricing"), key, base)
    insured = insurance(of("Insurance"), key, warnings)
    calculate_from_others(base, price, insured)
    rows["app_base"] = [BASE.row(base)]
    if price is not None:
        rows["app_pricing"] = [PRICING.row(price)]
    if insured is not None:
        rows["app_insurance"] = [INSURANCE.row(insured)]
    people(contacts, base, None if price is None else price.get("grade"), rows)
    decisions(of("Decisions"), key, rows)
    collaterals(of("Security"), key, base["status_code"], rows)
    warranties(of("Warranties"), key, rows)
    exceptions(of("Policy"), key, rows)
    scores(of("Scores"), contacts.declared or (), key, rows)
    indicators(of("Indicators"), key, warnings, rows)
    reports(of("Reports"), key, rows)
    liabilities(of("Liabilities"), key, rows)
    return rows
