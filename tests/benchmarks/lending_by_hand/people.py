"""By hand: the tables app_contact, app_lead_contact, app_address, app_employment, app_phone and app_name_history."""

from __future__ import annotations

from typing import Any

from include.pipelines.xml.mapping.conversions import Unfit
from tests.benchmarks.lending_by_hand.contacts import Contacts
from tests.benchmarks.lending_by_hand.dates import months_later
from tests.benchmarks.lending_by_hand.reading import Columns, Rows, Values, rejected, require

CONTACT = Columns(
    "app_contact",
    """app_id contact_ref role role_rank contact_status title first_name middle_name last_name name_suffix born_on
    birth_country gender marital_status dependants citizenship residency id_type id_number id_expires_on tax_number
    email preferred_contact iban bank_since credit_score credit_score_on marketing_consent credit_consent consent_at
    monthly_income income_currency other_income home_city home_since employer occupation best_phone is_adult
    contact_class""",
    marketing_consent=False,
    credit_consent=False,
    income_currency="EUR",
)
LEAD = Columns("app_lead_contact", "app_id contact_ref role contact_status first_name last_name email")
ADDRESS = Columns(
    "app_address",
    """app_id contact_ref address_kind source is_current line_1 line_2 street house_number city region postal_code
    country lives_since lived_until months_there ownership monthly_cost verified before_birth in_home_city
    kind_label""",
    is_current=False,
    verified=False,
)
EMPLOYMENT = Columns(
    "app_employment",
    """app_id contact_ref employment_no status employer occupation industry contract_type started_on ended_on
    months_there hours_per_week gross_monthly net_monthly bonus commission pay_frequency pays_per_year phone city
    country verified verified_on is_current""",
    verified=False,
)
PHONE = Columns("app_phone", "app_id contact_ref phone_type phone_number extension preferred", preferred=False)


def people(contacts: Contacts, base: Values, grade: str | None, rows: Rows) -> None:
    """The last contact of each reference, with what belongs to it."""
    if contacts.lead is not None:
        rows["app_lead_contact"] = [LEAD.row(contacts.lead | {"app_id": base["app_id"]})]
    kept: dict[str, Values] = {}
    for contact in contacts.accepted:
        require(contact, "app_contact", ("last_name",))
        contact["is_adult"] = _is_adult(contact, base)
        kept.pop(contact["contact_ref"], None)
        kept[contact["contact_ref"]] = contact
    for contact in kept.values():
        own = {"app_id": base["app_id"], "contact_ref": contact["contact_ref"]}
        _addresses(contact, own, base, rows.setdefault("app_address", []))
        _employments(contact, own, base, rows.setdefault("app_employment", []))
        _phones(contact, own, rows.setdefault("app_phone", []))
        _names(contact, base["app_id"], rows.setdefault("app_name_history", []))
        rows.setdefault("app_contact", []).append(_contact_row(contact, base, grade))


def _contact_row(contact: Values, base: Values, grade: str | None) -> tuple[Any, ...]:
    home = contact["home"]
    job = contact["employments"][-1] if contact["employments"] else {}
    contact_class = "good" if grade == "A" else "other"
    values = contact | {
        "app_id": base["app_id"],
        "home_city": home.get("city"),
        "home_since": home.get("lives_since"),
        "employer": job.get("employer"),
        "occupation": job.get("occupation"),
        "contact_class": "key" if contact["role"] == "main" and base["is_large"] else contact_class,
    }
    if "email" in contact:
        values["email"] = contact["email"].lower()
    return CONTACT.row(values)


def _is_adult(contact: Values, base: Values) -> bool | None:
    born_on = contact.get("born_on")
    try:
        return None if born_on is None else months_later(born_on, 12 * 18) <= base["submitted_on"]
    except Unfit as unfit:
        raise rejected("app_contact", "is_adult", str(unfit)) from None


def _addresses(contact: Values, own: Values, base: Values, rows: list[tuple[Any, ...]]) -> None:
    """The best of each kind."""
    born_on = contact.get("born_on")
    homes = {base.get("home_city"), contact["home"].get("city")}
    best: dict[str, Values] = {}
    for address in contact["addresses"]:
        require(address, "app_address", ("city",))
        kind = address["address_kind"]
        if kind in best:
            if best[kind]["rank"] <= address["rank"]:
                continue
            del best[kind]
        best[kind] = address
    for kind, address in best.items():
        since = address.get("lives_since")
        address.update(own)
        address["before_birth"] = since is not None and born_on is not None and since < born_on
        address["in_home_city"] = address["city"] in homes
        address["kind_label"] = "main home" if contact["role"] == "main" and kind == "home" else "other"
        rows.append(ADDRESS.row(address))


def _employments(contact: Values, own: Values, base: Values, rows: list[tuple[Any, ...]]) -> None:
    for number, job in enumerate(contact["employments"], 1):
        job.update(own)
        job["employment_no"] = number
        job["is_current"] = "ended_on" not in job or job["ended_on"] > base["submitted_on"]
        rows.append(EMPLOYMENT.row(job))


def _phones(contact: Values, own: Values, rows: list[tuple[Any, ...]]) -> None:
    """The first of each type."""
    types = set()
    for phone in contact["phones"]:
        require(phone, "app_phone", ("phone_type", "phone_number"))
        if phone["phone_type"] not in types:
            types.add(phone["phone_type"])
            phone.update(own)
            rows.append(PHONE.row(phone))


def _names(contact: Values, key: int, rows: list[tuple[Any, ...]]) -> None:
    number = 0
    for kind in ("maiden", "former", "alias"):
        if kind in contact:
            number += 1
            name = contact[kind], contact["last_name"], contact["role"]
            rows.append((key, contact["contact_ref"], number, kind, *name))
