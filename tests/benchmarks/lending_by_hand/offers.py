"""By hand: the tables app_pricing, app_insurance, app_decision and app_decision_reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.selections import own_text
from tests.benchmarks.lending_by_hand.reading import (
    FILE,
    TO_BIT,
    TO_DATE,
    TO_DATETIME,
    TO_DECIMAL,
    TO_INT,
    YES_NO,
    Columns,
    Rows,
    Section,
    Values,
    Warnings,
    attribute,
    check_unique,
    collected,
    look_up_or_none,
    looked_up,
    nested,
    put,
    require,
    take,
    valued,
)

_PARTS = Section(
    "app_pricing",
    {
        "Risk": ("risk_premium", TO_DECIMAL),
        "Liquidity": ("liquidity_premium", TO_DECIMAL),
        "Capital": ("capital_cost", TO_DECIMAL),
        "Loss": ("expected_loss", TO_DECIMAL),
        "Profit": ("profit_margin", TO_DECIMAL),
    },
)
_PRICING = Section(
    "app_pricing",
    {
        "RateKind": ("rate_kind", None),
        "Grade": ("grade", str.upper),
        "BaseRate": ("base_rate", TO_DECIMAL),
        "Margin": ("margin", TO_DECIMAL),
        "FinalRate": ("final_rate", TO_DECIMAL),
        "Apr": ("apr", TO_DECIMAL),
        "Index": (None, valued("app_pricing", "index_rate", TO_DECIMAL, name=("index_name", None))),
        "FixedUntil": ("fixed_until", TO_DATE),
        "CapRate": ("cap_rate", TO_DECIMAL),
        "FloorRate": ("floor_rate", TO_DECIMAL),
        "Discount": (None, valued("app_pricing", "discount_rate", TO_DECIMAL, code=("discount_code", None))),
        "Parts": (None, nested(_PARTS)),
        "PricedAt": ("priced_at", TO_DATETIME),
        "PricedBy": ("priced_by", None),
        "Model": (None, nested(Section("app_pricing", {"Version": ("model_version", None)}))),
        "OverrideBy": ("override_by", None),
    },
)
_INSURANCE = Section(
    "app_insurance",
    {
        "Provider": ("provider", None),
        "Policy": ("policy_number", None),
        "Amount": ("insured_amount", TO_DECIMAL),
        "Premium": ("premium", TO_DECIMAL),
        "Cover": ("cover", None),
        "Deductible": ("deductible", TO_DECIMAL),
        "StartsOn": ("starts_on", TO_DATE),
        "EndsOn": ("ends_on", TO_DATE),
    },
)
_APPROVED = Section(
    "app_decision",
    {
        "Amount": ("approved_amount", TO_DECIMAL),
        "TermMonths": ("approved_term", TO_INT),
        "Rate": ("approved_rate", TO_DECIMAL),
    },
)
_DECISION = Section(
    "app_decision",
    {
        "Outcome": ("outcome", str.lower),
        "DecidedAt": ("decided_at", TO_DATETIME),
        "DecidedBy": ("decided_by", None),
        "Score": (None, valued("app_decision", "score", TO_INT, card=("score_card", None))),
        "Approved": (None, nested(_APPROVED)),
        "ExpiresOn": ("expires_on", TO_DATE),
        "Automatic": ("automatic", TO_BIT),
        "RiskGrade": ("risk_grade", None),
        "Note": ("note", None),
        "Reasons": (None, collected("reasons")),
    },
)

PRICING = Columns(
    "app_pricing",
    """app_id rate_kind grade base_rate margin final_rate apr index_name index_rate fixed_until cap_rate floor_rate
    discount_code discount_rate risk_premium liquidity_premium capital_cost expected_loss profit_margin priced_at
    priced_by model_version override_by is_override loan_class""",
)
INSURANCE = Columns(
    "app_insurance",
    """app_id provider policy_number insured_amount premium currency cover deductible starts_on ends_on kind
    is_costly""",
    cover="partial",
    kind="life",
    insured_amount=TO_DECIMAL("0"),
    deductible=TO_DECIMAL("0"),
)
DECISION = Columns(
    "app_decision",
    """app_id decision_id decided_for outcome decided_at decided_by score score_card approved_amount approved_term
    approved_rate expires_on automatic risk_grade note""",
    automatic=False,
)
REASON = Columns(
    "app_decision_reason",
    "app_id decision_id reason_no reason_code weight reason_text adverse outcome",
    adverse=False,
)
_ADVERSE = looked_up(YES_NO, str.upper)
_DECISIONS_DECISION, _REASON = FILE + "Decision", FILE + "Reason"


def pricing(elements: list[Element], key: int, base: Values) -> Values | None:
    """None without a final or preliminary price."""
    final = next(filter(None, [attribute(element, "final") for element in elements]), None)
    if final not in ("yes", "preliminary"):
        return None
    values: Values = {"app_id": key}
    for element in elements:
        take(element, _PRICING, values)
    rate, amount = values.get("final_rate"), base.get("loan_amount")
    values["is_override"] = "override_by" in values
    if rate is not None:
        if rate < 5 and amount is not None and amount > 50000:
            values["loan_class"] = "jumbo"
        elif rate > 0:
            values["loan_class"] = "plain"
    require(values, "app_pricing", ("final_rate", "loan_class"))
    return values


def insurance(elements: list[Element], key: int, warnings: Warnings) -> Values | None:
    """None where nothing but the currency is given."""
    values: Values = {}
    for element in elements:
        take(element, _INSURANCE, values)
    look_up_or_none(values, "app_insurance", "cover", {"F": "full", "P": "partial"}, warnings)
    if not values:
        return None
    for element in elements:
        put(values, "app_insurance", "currency", element.get("currency"))
    values["app_id"] = key
    values.setdefault("insured_amount", TO_DECIMAL("0"))
    values["is_costly"] = "premium" in values and values["premium"] > 100
    return values


def decisions(elements: Iterable[Element], key: int, rows: Rows) -> None:
    """With their reasons."""
    found: list[tuple[Any, ...]] = []
    reasons: list[tuple[Any, ...]] = []
    for group in elements:
        for element in group.iterchildren(_DECISIONS_DECISION):
            values: Values = {"app_id": key}
            put(values, "app_decision", "decision_id", element.get("id"), TO_INT)
            put(values, "app_decision", "decided_for", element.get("contact"))
            take(element, _DECISION, values)
            require(values, "app_decision", ("decision_id", "outcome"))
            found.append(DECISION.row(values))
            _reasons(values, reasons)
    if found:
        check_unique(found, "app_decision", "decision_id", 1)
        rows["app_decision"] = found
    if reasons:
        rows["app_decision_reason"] = reasons


def _reasons(decision: Values, rows: list[tuple[Any, ...]]) -> None:
    number = 0
    for group in decision.get("reasons", ()):
        for element in group.iterchildren(_REASON):
            number += 1
            values: Values = {
                "app_id": decision["app_id"],
                "decision_id": decision["decision_id"],
                "outcome": decision["outcome"],
                "reason_no": number,
            }
            put(values, "app_decision_reason", "reason_code", element.get("code"))
            put(values, "app_decision_reason", "weight", element.get("weight"), TO_DECIMAL)
            put(values, "app_decision_reason", "reason_text", own_text(element))
            put(values, "app_decision_reason", "adverse", element.get("adverse"), _ADVERSE)
            require(values, "app_decision_reason", ("reason_code",))
            rows.append(REASON.row(values))
