"""A contract as far as it could be read: the rules across its parts hold for what is there, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from include.pipelines.xml.columns import Column
from include.pipelines.xml.paths import Path, parse_name, parse_path, parse_rows
from include.pipelines.xml.places import Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """A column; `column` is None where it has mistakes of its own."""

    place: Place
    name: str | None
    path: Path | None
    column: Column | None


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A table; None stands for what is missing or wrong."""

    place: Place
    name: str | None
    parent: str | None
    rows: Path | None
    row_number: str | None
    primary_key: tuple[tuple[Place, str], ...]
    columns: tuple[DraftColumn, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The contract's parts that the rules speak of."""

    root: str | None
    namespaces: dict[str, str]
    key_column: str | None
    key_path: Path | None
    tables: tuple[DraftTable, ...]


def draft_of(raw: Any) -> Draft:  # noqa: ANN401 - whatever the JSON text held
    """Never raises: what cannot be read is left out, since the model reports it."""
    document = _object(raw)
    key = _object(document.get("key"))
    return Draft(
        root=_checked(document.get("root"), parse_name),
        namespaces={prefix: uri for prefix, uri in _object(document.get("namespaces")).items() if isinstance(uri, str)},
        key_column=_text(key.get("column")),
        key_path=_checked(key.get("path"), parse_path),
        tables=tuple(_table(("tables", index), table) for index, table in _items(document.get("tables"))),
    )


def _table(place: Place, raw: Any) -> DraftTable:  # noqa: ANN401 - whatever the JSON text held
    table = _object(raw)
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
        columns=tuple(
            DraftColumn(
                place=(*place, "columns", index),
                name=_text(_object(column).get("name")),
                path=_checked(_object(column).get("path"), parse_path),
                column=_valid(column),
            )
            for index, column in _items(table.get("columns"))
        ),
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


def _valid(raw: Any) -> Column | None:  # noqa: ANN401 - whatever the JSON text held
    try:
        return Column.model_validate(raw)
    except ValidationError:
        return None
