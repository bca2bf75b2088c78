"""By hand: what is calculated in app_base, its columns, and its row."""

from __future__ import annotations

from datetime import timedelta

from include.pipelines.xml.mapping.conversions import Unfit
from tests.benchmarks.lending_by_hand.dates import months_later
from tests.benchmarks.lending_by_hand.reading import TO_DATE, TO_DECIMAL, Columns, Values, Warnings, count, rejected

BASE = Columns(
    "app_base",
    """app_id document_version message_id sent_at received_at source_system extension_source feed feed_release
    feed_number feed_live feed_from application_number status_code status_text channel branch_region purpose
    purpose_code language comment last_note promo_code submitted_on signed_on archive_on quarter_end priority
    file_size match_ratio has_promo consent fast_track legacy_number phone_digits quoted_amount loan_amount
    loan_currency term_months product product_code annual_rate rate_type first_payment_on payment_day
    monthly_payment down_payment origination_fee insurance_fee broker_fee residual_value loan_to_value
    declared_bankruptcy declared_judgments declared_foreclosure declared_lawsuit declared_co_signer
    declared_primary_residence declared_foreign_resident declared_delinquent_debt total_monthly_income
    total_monthly_expenses total_assets total_liabilities debt_to_income main_ref main_last_name main_email home_city
    home_postal_code backer_ref best_ref last_remark risk_band is_large review_on expires_on next_call_at polled_at
    archive_until price_kind grade_label must_review greeting promo_kind promo_rank insured_amount rate_margin
    late_2025 comment_state score_state""",
    document_version=1,
    feed="lending",
    feed_release=TO_DECIMAL("2.5"),
    feed_number=7,
    feed_live=True,
    feed_from=TO_DATE("2025-01-01"),
    branch_region="NONE",
    language="en",
    priority=3,
    consent=False,
    legacy_number=0,
    loan_currency="EUR",
)

_RANKS = {"none": 0, "public": 1, "staff": 2}
_FIRST_2026, _LAST_2026 = TO_DATE("2026-01-01"), TO_DATE("2026-12-31")
_OCTOBER, _DECEMBER = TO_DATE("2025-10-01"), TO_DATE("2025-12-31")
_NEVER = TO_DATE("9999-12-31")
_MINUTES_30, _HOURS_2, _SECONDS_90 = timedelta(minutes=30), timedelta(hours=2), timedelta(seconds=90)
_DAYS_30 = timedelta(30)
_MARGINS = TO_DECIMAL("-0.5"), TO_DECIMAL("1"), TO_DECIMAL("0.25")


def main_contact(values: Values, main: Values, warnings: Warnings) -> None:
    """What the row takes from the first main contact."""
    values["main_ref"] = main["contact_ref"]
    values["main_last_name"] = main.get("last_name")
    values["main_email"] = main["email"].lower() if "email" in main else None
    values["main_score"] = main.get("credit_score")
    if main["unscored"]:
        count(warnings, "unparsable app_base.main_score")
    values["home_city"] = main["home"].get("city")
    values["home_postal_code"] = main["home"].get("postal_code")


def calculate(values: Values) -> None:
    """Formulas over this row alone."""
    score, amount, channel = values.get("main_score"), values["loan_amount"], values.get("channel")
    if score is None:
        values["risk_band"], values["score_state"] = "unscored", "unknown"
    else:
        values["risk_band"] = "prime" if score >= 720 else "near" if score >= 620 else "sub"
        values["score_state"] = "700" if score == 700 else "not 700"
    by_others = channel is not None and (channel.startswith("branch") or channel in ("dealer", "broker"))
    values["is_large"] = amount > 50000 and not by_others
    values["rate_margin"] = _MARGINS[0 if amount >= 100000 else 1 if amount <= 10000 else 2]
    state = values.get("state_raw")
    refused = not values.get("consent", False) and values.get("fast_track") is not True
    values["must_review"] = (state is not None and state[1:2] == "X") or refused
    language = values.get("language", "en")
    values["greeting"] = "It's here" if language == "en" else None if language == "de" else "Voila"
    promo = values.get("promo_code")
    kind = "none" if promo is None else "staff" if promo.startswith("STAFF") else "public"
    values["promo_kind"], values["promo_rank"] = kind, _RANKS[kind]
    comment = values.get("comment")
    values["comment_state"] = "empty" if not comment else "none" if comment == "none" else "filled"
    _calculate_dates(values)


def _calculate_dates(values: Values) -> None:
    submitted_on, received_at = values["submitted_on"], values.get("received_at")
    name = "review_on"
    try:
        values["review_on"] = months_later(submitted_on, 1)
        name = "expires_on"
        if values["status_code"] == 2:
            values["expires_on"] = submitted_on + _DAYS_30
        elif submitted_on < _FIRST_2026:
            values["expires_on"] = _LAST_2026
        if received_at is not None:
            name = "next_call_at"
            values["next_call_at"] = received_at - _MINUTES_30 + _HOURS_2
            name = "polled_at"
            values["polled_at"] = received_at + _SECONDS_90
        name = "archive_until"
        values["archive_until"] = months_later(values["archive_on"], 120) if "archive_on" in values else _NEVER
    except (Unfit, OverflowError):
        raise rejected("app_base", name, "gives a date beyond the calendar") from None
    values["late_2025"] = _OCTOBER <= submitted_on <= _DECEMBER


def calculate_from_others(values: Values, pricing: Values | None, insurance: Values | None) -> None:
    """Formulas over other tables' rows, where there is one."""
    grade = None
    if pricing is not None:
        grade, values["price_kind"] = pricing.get("grade"), pricing.get("rate_kind")
    if not grade:
        values["grade_label"] = "none"
    elif grade in ("A", "B"):
        values["grade_label"] = "good"
    else:
        values["grade_label"] = "fair" if grade in ("C", "D") else "odd"
    if insurance is not None:
        values["insured_amount"] = insurance["insured_amount"]
