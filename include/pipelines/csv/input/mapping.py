"""Which column holds what: as the settings say, or by the names that columns commonly have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from include.engine.errors import SettingsError
from include.pipelines.csv.input.cells import Cell, field_text
from include.pipelines.csv.input.header import shown

COMMON_NAMES: Mapping[str, Sequence[str]] = {
    "company": (
        "company", "company name", "organization", "organisation", "organization name", "account", "account name",
        "employer", "business name", "firm", "firma", "unternehmen", "société", "entreprise", "empresa",
    ),
    "domain": (
        "domain", "company domain", "website domain", "website", "company website", "web site", "site", "homepage",
        "home page", "web", "url", "company url", "webseite", "internet",
    ),
    "first_name": ("first name", "given name", "forename", "fname", "vorname", "prénom", "nombre"),
    "last_name": ("last name", "surname", "family name", "lname", "nachname", "nom", "apellido"),
    "full_name": ("full name", "contact name", "contact", "person", "name"),
    "email": ("email", "e mail", "email address", "work email", "business email", "mail"),
    "title": ("title", "job title", "position", "role", "jobtitel", "funktion"),
    "industry": ("industry", "sector", "branche"),
    "city": ("city", "town", "location city", "ort", "stadt", "ville"),
    "country": ("country", "land", "pays", "país"),
    "linkedin": ("linkedin", "linkedin url", "linkedin profile", "person linkedin url"),
    "notes": ("notes", "note", "comment", "comments", "notizen", "bemerkung"),
}  # fmt: skip
"""The first that a header has is taken; case, spaces and punctuation make no difference."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """From the fields that steps read to columns."""

    columns: Mapping[str, str]
    """Names of columns by field."""
    guessed: frozenset[str]
    """Fields whose column nobody gave."""
    places: Mapping[str, int]
    """0-based, by field."""

    def fields(self, cells: Sequence[Cell]) -> dict[str, str]:
        """What a row has in them, as `field_text` gives it."""
        return {field: field_text(cells[place]) for field, place in self.places.items()}

    def __str__(self) -> str:
        said = (f"{name} from {shown(column)}{' (guessed)' * (name in self.guessed)}" for name, column in self._sorted)
        return ", ".join(said)

    @property
    def _sorted(self) -> list[tuple[str, str]]:
        return sorted(self.columns.items())


def map_columns(
    header: Sequence[str],
    given: Mapping[str, str],
    required: Iterable[str],
    generated: Iterable[str] = (),
    kept: Sequence[str] | None = None,
) -> ColumnMapping:
    """The columns of the given fields, of the required ones, and of whichever others go by a common name.

    The output will have the columns `kept` (None: all) and `generated`. Raises one `SettingsError` that lists every
    fault: columns that are not there (with the name nearest to theirs), required fields without a column, generated
    columns that are there already.
    """
    faults: list[str] = []
    columns: dict[str, str] = {}
    for field, name in given.items():
        found = _column(header, name)
        if found is None:
            faults.append(f"{field}: {_absent(header, name)}")
        else:
            columns[field] = found
    guesses = {field: column for field, column in _guesses(header).items() if field not in given}
    # A column that was given for one field is not taken for another besides.
    guesses = {field: column for field, column in guesses.items() if column not in columns.values()}
    missing = [field for field in dict.fromkeys(required) if field not in given and field not in guesses]
    faults += [f"{field}: no column goes by such a name: say in mapping which it is" for field in missing]
    faults += [f"kept columns: {_absent(header, name)}" for name in kept or () if name not in header]
    taken = set(header if kept is None else kept).intersection(generated)
    faults += [f"column {shown(name)} is to be generated, and is there already: rename it" for name in sorted(taken)]
    if faults:
        raise SettingsError(f"columns: {'; '.join(faults)}. {_told(header, {**guesses, **columns})}")
    columns |= guesses
    return ColumnMapping(columns, frozenset(guesses), {field: header.index(name) for field, name in columns.items()})


def _told(header: Sequence[str], known: Iterable[str]) -> str:
    """Without the names: the first row of a file that has no header is somebody's data."""
    found = ", ".join(sorted(known)) or "none"
    return f"The file has {len(header)} columns, known among them: {found}; its first row must name the columns"


def _column(header: Sequence[str], name: str) -> str | None:
    """By its name, or by its name in another case where that is one only."""
    if (plain := name.strip()) in header:
        return plain
    alike = [column for column in header if column.casefold() == plain.casefold()]
    return alike[0] if len(alike) == 1 else None


def _absent(header: Sequence[str], name: str) -> str:
    near = get_close_matches(name, header, 1)
    return f"there is no column {shown(name)}" + (f", {shown(near[0])} perhaps" if near else "")


def _guesses(header: Sequence[str]) -> dict[str, str]:
    by_name: dict[str, str] = {}
    for column in reversed(header):
        by_name[_normal(column)] = column
    found = ((field, [by_name[_normal(n)] for n in names if _normal(n) in by_name]) for field, names in _common())
    return {field: columns[0] for field, columns in found if columns}


def _common() -> Iterable[tuple[str, Sequence[str]]]:
    return ((field, (field, *names)) for field, names in COMMON_NAMES.items())


def _normal(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
