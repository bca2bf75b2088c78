"""By hand: the values of app_base that the document holds."""

from __future__ import annotations

from collections.abc import Mapping

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.selections import own_text
from include.pipelines.xml.mapping.step_functions import TEXT_FUNCTIONS, date_function
from tests.benchmarks.lending_by_hand.reading import (
    COLLAPSE,
    DIGITS,
    FILE,
    FIRST_NUMBER,
    TO_BIT,
    TO_DATE,
    TO_DATETIME,
    TO_DATETIMEOFFSET,
    TO_DECIMAL,
    TO_FLOAT,
    TO_INT,
    TO_UUID,
    YES_NO,
    Section,
    Values,
    Warnings,
    attempt,
    count,
    last,
    look_up_or_none,
    looked_up,
    nested,
    put,
    rejected,
    shorten,
    stepped,
    take,
    valued,
)

_STATUSES = {"new": 1, "approved": 2, "declined": 3, "withdrawn": 4}
_CHANNELS = {"br": "branch", "web": "online", "dl": "dealer"}
_PURPOSES = {"car": 11, "home improvement": 12, "debt consolidation": 13}
_REGIONS = {"100": "NORTH", "200": "SOUTH"}
_QUARTERS = {"2025Q4": TO_DATE("2025-12-31"), "2026Q1": TO_DATE("2026-03-31")}
_SIGNED_ON = stepped(date_function(("%d.%m.%Y", "%d %B %Y", "%b %d, %y")), TO_DATE)
_LEGACY_NUMBER = stepped(FIRST_NUMBER, TO_INT)


def _upper_collapsed(text: str) -> str:
    return COLLAPSE(text).upper()


def _comment(element: Element, values: Values) -> None:
    """The first one, as it is."""
    values.setdefault("comment", own_text(element))


_HEADER = Section(
    "app_base",
    {
        "MessageId": ("message_id", None),
        "SentAt": ("sent_at", TO_DATETIMEOFFSET),
        "ReceivedAt": ("received_at", TO_DATETIME),
        "Source": ("source_system", None),
    },
    "{urn:headrace:lending:header}",
)
_APPLICATION = Section(
    "app_base",
    {
        "Number": ("application_number", _upper_collapsed),
        "Status": ("status_text", None),
        "StateCode": ("state_raw", None),
        "Channel": ("channel", str.lower),
        "BranchCode": ("branch_region", None),
        "Purpose": ("purpose", COLLAPSE),
        "Language": ("language", None),
        "Comment": (None, _comment),
        "Note": (None, last("last_note")),
        "Promo": ("promo_code", None),
        "SubmittedOn": ("submitted_on", TO_DATE),
        "SignedText": ("signed_on", None),
        "ArchiveText": ("archive_on", stepped(TEXT_FUNCTIONS["date"], TO_DATE)),
        "Quarter": ("quarter_end", looked_up(_QUARTERS)),
        "Priority": ("priority", TO_INT),
        "FileSize": ("file_size", TO_INT),
        "MatchRatio": ("match_ratio", TO_FLOAT),
        "Consent": ("consent", looked_up(YES_NO, str.upper)),
        "FastTrack": ("fast_track", TO_BIT),
        "LegacyNumber": ("legacy_number", None),
        "Phone": ("phone_digits", stepped(DIGITS)),
        "Quote": ("quoted_amount", stepped(FIRST_NUMBER, TO_DECIMAL)),
    },
)
_FEES = Section(
    "app_base",
    {
        "Origination": ("origination_fee", TO_DECIMAL),
        "Insurance": ("insurance_fee", TO_DECIMAL),
        "Broker": ("broker_fee", TO_DECIMAL),
    },
)
_LOAN = Section(
    "app_base",
    {
        "Amount": (None, valued("app_base", "loan_amount", TO_DECIMAL, currency=("loan_currency", None))),
        "TermMonths": ("term_months", TO_INT),
        "Product": ("product", None),
        "ProductCode": ("product_code", None),
        "AnnualRate": ("annual_rate", TO_DECIMAL),
        "RateType": ("rate_type", None),
        "FirstPaymentOn": ("first_payment_on", TO_DATE),
        "PaymentDay": ("payment_day", TO_INT),
        "MonthlyPayment": ("monthly_payment", TO_DECIMAL),
        "DownPayment": ("down_payment", TO_DECIMAL),
        "Fees": (None, nested(_FEES)),
        "ResidualValue": ("residual_value", TO_DECIMAL),
        "Ltv": ("loan_to_value", TO_DECIMAL),
    },
)
_DECLARATIONS = Section(
    "app_base",
    {
        "Bankruptcy": ("declared_bankruptcy", None),
        "Judgments": ("declared_judgments", None),
        "Foreclosure": ("declared_foreclosure", None),
        "Lawsuit": ("declared_lawsuit", None),
        "CoSigner": ("declared_co_signer", None),
        "PrimaryResidence": ("declared_primary_residence", None),
        "ForeignResident": ("declared_foreign_resident", None),
        "DelinquentDebt": ("declared_delinquent_debt", None),
    },
)
_DECLARED = tuple(name for name, _ in _DECLARATIONS.values() if name is not None)
_TOTALS = Section(
    "app_base",
    {
        "MonthlyIncome": ("total_monthly_income", TO_DECIMAL),
        "MonthlyExpenses": ("total_monthly_expenses", TO_DECIMAL),
        "Assets": ("total_assets", TO_DECIMAL),
        "Liabilities": ("total_liabilities", TO_DECIMAL),
        "DebtToIncome": ("debt_to_income", TO_DECIMAL),
    },
)
_SECTIONS = (
    ("{urn:headrace:lending:header}Header", _HEADER),
    (FILE + "Application", _APPLICATION),
    (FILE + "Loan", _LOAN),
    (FILE + "Declarations", _DECLARATIONS),
    (FILE + "Totals", _TOTALS),
)


def application(root: Element, parts: Mapping[str, list[Element]], warnings: Warnings) -> Values:
    """Before formulas. `parts` are the document element's children by tag."""
    values: Values = {}
    put(values, "app_base", "document_version", root.get("version"), TO_INT)
    put(values, "app_base", "extension_source", root.get("{urn:headrace:lending:extension}source"))
    for tag, section in _SECTIONS:
        for element in parts.get(tag, ()):
            take(element, section, values)
    attempt(values, "app_base", "message_id", TO_UUID, warnings)
    attempt(values, "app_base", "signed_on", _SIGNED_ON, warnings)
    attempt(values, "app_base", "legacy_number", _LEGACY_NUMBER, warnings)
    shorten(values, "app_base", "source_system", 12, warnings)
    values["has_promo"] = "promo_code" in values
    _look_up(values, warnings)
    return values


def _look_up(values: Values, warnings: Warnings) -> None:
    if (status := values.get("status_text")) is not None:
        values["status_code"] = _known_status(status)
    channel = values.get("channel")
    if channel is not None:
        values["channel"] = _CHANNELS.get(channel, channel)
        if channel not in _CHANNELS:
            count(warnings, "unknown app_base.channel")
    if "branch_region" in values:
        values["branch_region"] = DIGITS(values["branch_region"])
        if not values["branch_region"]:
            del values["branch_region"]
        look_up_or_none(values, "app_base", "branch_region", _REGIONS, warnings)
    if (purpose := values.get("purpose")) is not None:
        values["purpose_code"] = _PURPOSES.get(purpose.lower(), 99)
        if purpose.lower() not in _PURPOSES:
            count(warnings, "unknown app_base.purpose_code")
        shorten(values, "app_base", "purpose", 30, warnings)
    for name in _DECLARED:
        look_up_or_none(values, "app_base", name, YES_NO, warnings)


def _known_status(text: str) -> int:
    try:
        return _STATUSES[text.casefold()]
    except KeyError:
        raise rejected("app_base", "status_code", "is not in enumeration status") from None
