"""By hand: what the contacts of a record hold, read once; the tables are made of it later (see `people`)."""

from __future__ import annotations

from collections.abc import Iterable

from include.pipelines.xml.document.libxml import Element
from include.pipelines.xml.mapping.selections import own_text
from tests.benchmarks.lending_by_hand.reading import (
    COLLAPSE,
    DIGITS,
    FILE,
    FIRST_NUMBER,
    TO_BIT,
    TO_DATE,
    TO_DATETIME,
    TO_DECIMAL,
    TO_INT,
    YES_NO,
    Section,
    Values,
    Warnings,
    attempt,
    attribute,
    collected,
    count,
    first_text,
    last,
    look_up_or_none,
    looked_up,
    nested,
    put,
    stepped,
    take,
    valued,
)

ROLES = {"main": 1, "co": 2, "guarantor": 3}
_STATUSES = {"verified": 0, "open": 1}
_KINDS = frozenset(("home", "mail", "work"))
_SOURCES = {"verified": 0, "stated": 1}
_COUNTRIES = {"DE": "Germany", "AT": "Austria", "FR": "France"}
_GENDERS = {"female": "F", "male": "M", "other": "X"}
_PAYS = {"weekly": 52, "monthly": 12}
_BEST_PHONES = {"mobile": 0, "home": 1}

_NAME = Section(
    "app_contact",
    {
        "Title": ("title", None),
        "First": ("first_name", None),
        "Middle": ("middle_name", None),
        "Last": ("last_name", None),
        "Suffix": ("name_suffix", None),
        "Maiden": ("maiden", None),
        "Former": (None, last("former")),
    },
)
_DOCUMENT = Section("app_contact", {"Number": ("id_number", None), "ExpiresOn": ("id_expires_on", TO_DATE)})
_BANK = Section("app_contact", {"Iban": ("iban", str.upper), "Since": ("bank_since", TO_DATE)})
_CONSENT = Section(
    "app_contact",
    {
        "Marketing": ("marketing_consent", TO_BIT),
        "Credit": ("credit_consent", looked_up(YES_NO)),
        "SignedAt": ("consent_at", TO_DATETIME),
    },
)


def _document(element: Element, values: Values) -> None:
    put(values, "app_contact", "id_type", element.get("type"))
    take(element, _DOCUMENT, values)


_INCOME = valued("app_contact", "monthly_income", stepped(FIRST_NUMBER, TO_DECIMAL), currency=("income_currency", None))
_CONTACT = Section(
    "app_contact",
    {
        "Status": ("contact_status", None),
        "Name": (None, nested(_NAME)),
        "BirthDate": ("born_on", None),
        "BirthCountry": ("birth_country", str.upper),
        "Gender": ("gender", str.casefold),
        "MaritalStatus": ("marital_status", None),
        "Dependants": ("dependants", TO_INT),
        "Citizenship": ("citizenship", None),
        "Residency": ("residency", None),
        "IdDocument": (None, _document),
        "TaxNumber": ("tax_number", stepped(DIGITS)),
        "Email": ("email", None),
        "PreferredContact": ("preferred_contact", None),
        "Bank": (None, nested(_BANK)),
        "CreditScore": (None, valued("app_contact", "credit_score", None, on=("credit_score_on", TO_DATE))),
        "DeclaredScore": (None, collected("declared")),
        "Consent": (None, nested(_CONSENT)),
        "MonthlyIncome": (None, _INCOME),
        "OtherIncome": ("other_income", TO_DECIMAL),
        "Addresses": (None, collected("addresses")),
        "Employments": (None, collected("employments")),
        "Phones": (None, collected("phones")),
    },
)
_ADDRESS = Section(
    "app_address",
    {
        "Line1": ("line_1", None),
        "Line2": ("line_2", None),
        "Street": ("street", None),
        "HouseNumber": ("house_number", None),
        "City": ("city", None),
        "Region": ("region", None),
        "PostalCode": ("postal_code", None),
        "Country": ("country", str.upper),
        "Since": ("lives_since", TO_DATE),
        "Until": ("lived_until", TO_DATE),
        "MonthsThere": ("months_there", stepped(FIRST_NUMBER, TO_INT)),
        "Ownership": ("ownership", None),
        "MonthlyCost": ("monthly_cost", TO_DECIMAL),
        "Verified": ("verified", TO_BIT),
    },
)
_HOME = Section(
    "app_contact", {"City": ("city", None), "PostalCode": ("postal_code", None), "Since": ("lives_since", TO_DATE)}
)
_PAY_PARTS = Section(
    "app_employment",
    {
        "Gross": ("gross_monthly", TO_DECIMAL),
        "Net": ("net_monthly", TO_DECIMAL),
        "Bonus": ("bonus", TO_DECIMAL),
        "Commission": ("commission", TO_DECIMAL),
    },
)


def _pay(element: Element, values: Values) -> None:
    put(values, "app_employment", "pay_frequency", element.get("frequency"))
    take(element, _PAY_PARTS, values)


_EMPLOYMENT = Section(
    "app_employment",
    {
        "Employer": ("employer", None),
        "Occupation": ("occupation", None),
        "Industry": ("industry", None),
        "ContractType": ("contract_type", None),
        "StartedOn": ("started_on", TO_DATE),
        "EndedOn": ("ended_on", TO_DATE),
        "MonthsThere": ("months_there", TO_INT),
        "HoursPerWeek": ("hours_per_week", TO_DECIMAL),
        "Pay": (None, _pay),
        "Phone": ("phone", stepped(DIGITS)),
        "City": ("city", None),
        "Country": ("country", None),
        "Verified": ("verified", TO_BIT),
        "VerifiedOn": ("verified_on", TO_DATE),
    },
)
_CONTACT_TAG, _STATUS_TAG, _DECLARED_TAG = FILE + "Contact", FILE + "Status", FILE + "DeclaredScore"
_ADDRESS_TAG, _EMPLOYMENT_TAG, _PHONE_TAG = FILE + "Address", FILE + "Employment", FILE + "Phone"
_EMPLOYER_TAG = FILE + "Employer"
_DIGITS = stepped(DIGITS)


class Contacts:
    """Of a record, in document order."""

    def __init__(self, groups: Iterable[Element], warnings: Warnings) -> None:
        self.accepted: list[Values] = []
        """With a reference and one of the roles."""
        self.main: Values | None = None
        self.backer: Element | None = None
        self.best: Element | None = None
        self.lead: Values | None = None
        self.declared: list[Element] | None = None
        """Elements of the first main contact, with or without a reference."""
        best, lead = len(_STATUSES), (len(ROLES), 0)
        for group in groups:
            for element in group.iterchildren(_CONTACT_TAG):
                role, ref = attribute(element, "role"), attribute(element, "ref")
                if ref is not None and role in ROLES:
                    values = _contact(element, ref, role, warnings)
                    self.accepted.append(values)
                    status = values.get("contact_status")
                    rank = ROLES[role], _STATUSES.get(status or "", 2)
                    if role != "guarantor" and rank[1] < 2 and rank < lead:
                        self.lead, lead = values, rank
                    if role == "main" and self.main is None:
                        self.main = values
                    declared = values.get("declared", [])
                else:
                    status = first_text(element, _STATUS_TAG)
                    declared = list(element.iterchildren(_DECLARED_TAG)) if role == "main" else []
                if role == "main" and self.declared is None:
                    self.declared = declared
                if role in ("co", "guarantor"):
                    self.backer = element
                if _STATUSES.get(status or "", 9) < best:
                    self.best, best = element, _STATUSES[status or ""]


def _contact(element: Element, ref: str, role: str, warnings: Warnings) -> Values:
    values: Values = {"contact_ref": ref, "role": role, "role_rank": ROLES[role]}
    put(values, "app_contact", "alias", element.get("alias"), COLLAPSE)
    take(element, _CONTACT, values)
    attempt(values, "app_contact", "born_on", TO_DATE, warnings)
    values["unscored"] = "credit_score" in values
    attempt(values, "app_contact", "credit_score", TO_INT, warnings)
    values["unscored"] = values["unscored"] and "credit_score" not in values
    look_up_or_none(values, "app_contact", "gender", _GENDERS, warnings)
    values["addresses"], values["home"] = _addresses(values.get("addresses", ()), warnings)
    values["employments"] = _employments(values.get("employments", ()), warnings)
    values["phones"], values["best_phone"] = _phones(values.get("phones", ()))
    return values


def _addresses(groups: Iterable[Element], warnings: Warnings) -> tuple[list[Values], Values]:
    """Those of the table, and the first current one of any kind."""
    found, home = [], None
    for group in groups:
        for element in group.iterchildren(_ADDRESS_TAG):
            kind, source = attribute(element, "kind"), attribute(element, "source")
            values: Values | None = None
            if kind in _KINDS and source in _SOURCES:
                values = {"address_kind": kind, "source": source, "rank": _SOURCES[source]}
                put(values, "app_address", "is_current", element.get("current"), TO_BIT)
                take(element, _ADDRESS, values)
                country = values.get("country")
                if country is not None:
                    values["country"] = _COUNTRIES.get(country, country)
                    if country not in _COUNTRIES:
                        count(warnings, "unknown app_address.country")
                found.append(values)
            if home is None and attribute(element, "current") in ("true", "1"):
                home = values
                if home is None:
                    home = {}
                    take(element, _HOME, home)
    return found, home or {}


def _employments(groups: Iterable[Element], warnings: Warnings) -> list[Values]:
    found = []
    for group in groups:
        for element in group.iterchildren(_EMPLOYMENT_TAG):
            if first_text(element, _EMPLOYER_TAG) is None:
                continue
            values: Values = {}
            put(values, "app_employment", "status", element.get("status"))
            take(element, _EMPLOYMENT, values)
            frequency = values.get("pay_frequency")
            if frequency is not None:
                values["pays_per_year"] = _PAYS.get(frequency.lower())
                if values["pays_per_year"] is None:
                    count(warnings, "unknown app_employment.pays_per_year")
            found.append(values)
    return found


def _phones(groups: Iterable[Element]) -> tuple[list[Values], str | None]:
    """All, and the digits of the one to call."""
    found, best, rank = [], None, len(_BEST_PHONES)
    for group in groups:
        for element in group.iterchildren(_PHONE_TAG):
            values: Values = {}
            put(values, "app_phone", "phone_type", element.get("type"))
            put(values, "app_phone", "phone_number", own_text(element), _DIGITS)
            put(values, "app_phone", "extension", element.get("ext"))
            put(values, "app_phone", "preferred", element.get("preferred"), TO_BIT)
            found.append(values)
            if (own_rank := _BEST_PHONES.get(values.get("phone_type", ""), 9)) < rank:
                best, rank = values.get("phone_number"), own_rank
    return found, best
