"""A contract as far as it could be read: the rules across its parts hold for what is there, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from include.pipelines.xml.language.column_types import ColumnType, parse_type
from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.literals import ScalarValue
from include.pipelines.xml.language.paths import Path, parse_name, parse_path, parse_rows
from include.pipelines.xml.language.places import Place
from include.pipelines.xml.language.table import Condition, Group, Item, Reference, Selection

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Part(Generic[M]):
    """A part of a table; `model` is None where it has mistakes of its own."""

    place: Place
    name: str | None
    model: M | None
    raw: dict[str, Any]

    def text(self, name: str) -> str | None:
        """A setting, also where others are wrong."""
        return _text(self.raw.get(name))

    @property
    def type(self) -> ColumnType | None:
        """Of a column."""
        return _checked(self.raw.get("type"), parse_type)


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A table; None stands for what is missing or wrong."""

    place: Place
    name: str | None
    parent: str | None
    rows: Path | None
    row_number: str | None
    primary_key: tuple[tuple[Place, str], ...]
    duplicates: str | None
    write: str | None
    references: tuple[Part[Reference], ...]
    where: tuple[Part[Condition], ...]
    selections: tuple[Part[Selection], ...]
    items: tuple[Part[Item], ...]
    groups: tuple[Part[Group], ...]
    fields: tuple[Part[Column], ...]
    columns: tuple[Part[Column], ...]
    settings: frozenset[str]
    """What it has, whatever is wrong with the values."""
    knows_its_columns: bool
    """Whether the names of all could be read; else a name that is not there may be that of one of these."""

    @property
    def values(self) -> tuple[Part[Column], ...]:
        """Columns, then fields."""
        return (*self.columns, *self.fields)

    @property
    def makes_rows(self) -> bool:
        """Whether one element may give several rows, or none."""
        return bool(self.items or self.groups)


@dataclass(frozen=True, slots=True)
class Draft:
    """The contract's parts that the rules speak of."""

    root: str | None
    prefixes: frozenset[str] | None
    """Of the namespaces, whatever is wrong with their values; None where these cannot be told."""
    key_column: str | None
    key_type: ColumnType | None
    key_path: Path | None
    enumerations: dict[str, dict[str, ScalarValue]]
    tables: tuple[DraftTable, ...]

    @property
    def by_name(self) -> dict[str, DraftTable]:
        """In lower case; of two with one name the first."""
        found: dict[str, DraftTable] = {}
        for table in self.tables:
            if table.name is not None:
                found.setdefault(table.name.lower(), table)
        return found

    @property
    def knows_its_tables(self) -> bool:
        """Whether each has a name of its own; else a name that is not there may be what one was meant to have."""
        return len(self.by_name) == len(self.tables)

    def parent_of(self, table: DraftTable) -> DraftTable | None:
        """None also where the contract has no such table."""
        return None if table.parent is None else self.by_name.get(table.parent.lower())

    def hides_columns(self, table: DraftTable) -> bool:
        """Whether other mistakes keep names of the table's columns from being known."""
        sound = self.key_column is not None and self.knows_its_tables
        return not sound or not all(known.knows_its_columns for known in (table, *self.ancestors(table)))

    def ancestors(self, table: DraftTable) -> list[DraftTable]:
        """The parent last; parents that go round are a mistake of their own, and end the list."""
        by_name = self.by_name
        found: list[DraftTable] = []
        places = {table.place}
        parent = table.parent
        while parent is not None and (above := by_name.get(parent.lower())) is not None and above.place not in places:
            found.append(above)
            places.add(above.place)
            parent = above.parent
        return found[::-1]


def draft_of(raw: Any) -> Draft:  # noqa: ANN401 - whatever the JSON text held
    """Never raises: what cannot be read is left out, since the model reports it."""
    document = _object(raw)
    key = _object(document.get("key"))
    namespaces = document.get("namespaces", {})
    return Draft(
        root=_checked(document.get("root"), parse_name),
        prefixes=frozenset(namespaces) if isinstance(namespaces, dict) else None,
        key_column=_text(key.get("column")),
        key_type=_checked(key.get("type"), parse_type),
        key_path=_checked(key.get("path"), parse_path),
        enumerations={
            name: {text: value for text, value in _object(table).items() if isinstance(value, ScalarValue)}
            for name, table in _object(document.get("enumerations")).items()
        },
        tables=tuple(_table(("tables", index), _object(table)) for index, table in _items(document.get("tables"))),
    )


def _table(place: Place, table: dict[str, Any]) -> DraftTable:
    return DraftTable(
        place=place,
        name=_text(table.get("name")),
        parent=_text(table.get("parent")),
        rows=_checked(table.get("rows", "."), parse_rows),
        row_number=_text(table.get("row_number")),
        primary_key=tuple(
            ((*place, "primary_key", index), name)
            for index, name in _items(table.get("primary_key"))
            if isinstance(name, str)
        ),
        duplicates=_text(table.get("duplicates", "reject")),
        write=_text(table.get("write", "always")),
        references=_parts(place, table, "references", Reference),
        where=conditions_in(place, table),
        selections=tuple(
            Part((*place, "selections", name), name, _valid(selection, Selection), _object(selection))
            for name, selection in _object(table.get("selections")).items()
        ),
        items=_parts(place, table, "items", Item),
        groups=_parts(place, table, "groups", Group),
        fields=_parts(place, table, "fields", Column),
        columns=_parts(place, table, "columns", Column),
        settings=frozenset(table),
        knows_its_columns=all(
            isinstance(values := table.get(name, []), list)
            and all(_text(_object(value).get("name")) for value in values)
            for name in ("fields", "columns")
        ),
    )


def conditions_in(place: Place, owner: dict[str, Any]) -> tuple[Part[Condition], ...]:
    """The `where` of a table or selection."""
    return _parts(place, owner, "where", Condition)


def _parts(place: Place, owner: dict[str, Any], name: str, model: type[M]) -> tuple[Part[M], ...]:
    return tuple(
        Part((*place, name, index), _text(_object(part).get("name")), _valid(part, model), _object(part))
        for index, part in _items(owner.get(name))
    )


def _items(raw: Any) -> Iterator[tuple[int, Any]]:  # noqa: ANN401 - whatever the JSON text held
    return enumerate(raw) if isinstance(raw, list) else enumerate(())


def _object(raw: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the JSON text held
    return raw if isinstance(raw, dict) else {}


def _text(raw: Any) -> str | None:  # noqa: ANN401 - whatever the JSON text held
    return raw if isinstance(raw, str) else None


def _checked(raw: Any, parse: Callable[[str], T]) -> T | None:  # noqa: ANN401 - whatever the JSON text held
    try:
        return parse(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def _valid(raw: Any, model: type[M]) -> M | None:  # noqa: ANN401 - whatever the JSON text held
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None
