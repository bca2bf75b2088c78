"""By hand: the tables made from groups (app_collateral, app_warranty, app_policy_exception)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from include.pipelines.xml.document.libxml import Element
from tests.benchmarks.lending_by_hand.reading import (
    FILE,
    TO_DATE,
    TO_DECIMAL,
    TO_INT,
    YES_NO,
    Columns,
    Rows,
    Section,
    Values,
    attribute,
    check_unique,
    looked_up,
    nested,
    put,
    take,
)

_PHOTO = FILE + "Photo"


def _photo(element: Element, values: Values) -> None:
    """The first main one is chosen, with or without a reference."""
    for photo in element.iterchildren(_PHOTO):
        if "photo" not in values and attribute(photo, "main") == "true":
            values["photo"] = photo
            put(values, "app_collateral", "photo_ref", photo.get("ref"))


_VEHICLE = Section("app_collateral", {"Make": ("vehicle_make", None), "Year": ("vehicle_year", TO_INT)})
_COLLATERAL = Section(
    "app_collateral",
    {
        "Description": ("description", None),
        "ValuedOn": ("valued_on", TO_DATE),
        "Lien": ("lien_position", TO_INT),
        "Insured": ("insured", looked_up(YES_NO)),
        "Appraisal": ("appraisal", TO_DECIMAL),
        "Vehicle": (None, nested(_VEHICLE)),
        "Photos": (None, _photo),
    },
)
_WARRANTY = Section(
    "app_warranty",
    {
        "Provider": ("provider", None),
        "Price": ("price", TO_DECIMAL),
        "SoldOn": ("sold_on", TO_DATE),
        "Cancellable": ("cancellable", looked_up(YES_NO, str.upper)),
    },
)
_EXCEPTION = Section(
    "app_policy_exception",
    {"Reason": ("reason", None), "Severity": ("severity", TO_INT), "RaisedOn": ("raised_on", TO_DATE)},
)

COLLATERAL = Columns(
    "app_collateral",
    """app_id collateral_no kind description value valued_on lien_position insured owner_ref vehicle_make vehicle_year
    photo_ref branch is_vehicle over_valued loan_status""",
    value=TO_DECIMAL("0"),
    lien_position=1,
    insured=False,
)
WARRANTY = Columns(
    "app_warranty",
    "app_id warranty_kind provider price term_months reference sold_on cancellable currency",
    term_months=12,
    cancellable=False,
    currency="EUR",
)
EXCEPTION = Columns(
    "app_policy_exception",
    "app_id exception_no exception_kind reason approved_by severity raised_on is_severe",
    severity=1,
)

_NOT_FILLING = {"insured", "appraisal", "photo"}
_COLLATERALS = {f"{FILE}Collateral{name}": at for at, name in enumerate(("1", "2", "3", "Four"))}
_KINDS = {f"{tag}Kind": at for tag, at in _COLLATERALS.items()}
_WARRANTY_NAMES = {
    "ServiceContract": "service",
    "Gap": "gap",
    "TyreAndRim": "tyre",
    "PaintProtection": "paint",
    "TheftDeterrent": "theft",
    "KeyReplacement": "key_loss",
    "RoadsideAssistance": "roadside",
}
_WARRANTIES = {FILE + element: name for element, name in _WARRANTY_NAMES.items()}
_TERMS = {f"{tag}Term": name for tag, name in _WARRANTIES.items()}
_EXCEPTIONS = {f"{FILE}Exception{name}": name for name in ("Income", "Ltv", "Age")}
_ZERO = TO_DECIMAL("0")


def collaterals(elements: Iterable[Element], key: int, status: object, rows: Rows) -> None:
    """Of four elements, each with another one for its kind."""
    found = []
    for element in elements:
        groups: tuple[Values, ...] = ({}, {}, {}, {})
        for child in element:
            tag = child.tag
            if (at := _COLLATERALS.get(tag)) is not None:
                values = groups[at]
                put(values, "app_collateral", "value", child.get("value"), TO_DECIMAL)
                put(values, "app_collateral", "owner_ref", child.get("owner"))
                take(child, _COLLATERAL, values)
            elif (at := _KINDS.get(tag)) is not None:
                put(groups[at], "app_collateral", "kind", child.text)
        for number, values in enumerate(groups, 1):
            if values.keys() <= _NOT_FILLING:
                continue
            appraisal = values.get("appraisal")
            values |= {
                "app_id": key,
                "collateral_no": number,
                "branch": attribute(element, "branch"),
                "is_vehicle": values.get("kind") in ("car", "van"),
                "over_valued": appraisal is not None and values.get("value", _ZERO) > appraisal,
                "loan_status": status,
            }
            found.append(COLLATERAL.row(values))
    if found:
        check_unique(found, "app_collateral", "collateral_no", 1)
        rows["app_collateral"] = found


def warranties(elements: Iterable[Element], key: int, rows: Rows) -> None:
    """Of seven elements, each with another one for its term."""
    found = []
    for element in elements:
        groups: dict[str, Values] = {name: {} for name in _WARRANTIES.values()}
        for child in element:
            tag = child.tag
            if (name := _WARRANTIES.get(tag)) is not None:
                put(groups[name], "app_warranty", "reference", child.get("ref"))
                take(child, _WARRANTY, groups[name])
            elif (name := _TERMS.get(tag)) is not None:
                put(groups[name], "app_warranty", "term_months", child.text, TO_INT)
        for name, values in groups.items():
            if values:
                values["app_id"], values["warranty_kind"] = key, name
                found.append(WARRANTY.row(values))
    if found:
        check_unique(found, "app_warranty", "warranty_kind", 1)
        rows["app_warranty"] = found


def exceptions(elements: Iterable[Element], key: int, rows: Rows) -> None:
    """Of three elements, numbered in the order of their kinds."""
    found: list[tuple[Any, ...]] = []
    for element in elements:
        groups: dict[str, Values] = {name: {} for name in _EXCEPTIONS.values()}
        for child in element:
            if (name := _EXCEPTIONS.get(child.tag)) is not None:
                put(groups[name], "app_policy_exception", "approved_by", child.get("by"))
                take(child, _EXCEPTION, groups[name])
        for name, values in groups.items():
            if values:
                values["app_id"], values["exception_kind"] = key, name
                values["exception_no"] = len(found) + 1
                values["is_severe"] = values.get("severity", 1) >= 3
                found.append(EXCEPTION.row(values))
    if found:
        rows["app_policy_exception"] = found
