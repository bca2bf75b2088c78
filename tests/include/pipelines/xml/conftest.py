"""Contracts and documents small enough to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.engine.model import Key, Rows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import parse_contract
from include.pipelines.xml.mapping.compile import compile_contract

MapDocument = Callable[..., Rows]


@pytest.fixture
def contract_of() -> Callable[..., Contract]:
    """A contract with these tables; columns and fields are (name, path, type, more), or as contracts have them."""

    def make(*tables: dict[str, Any], **more: Any) -> Contract:
        document = {
            "contract": "small",
            "version": 1,
            "root": "Doc",
            "key": {"column": "doc_id", "type": "bigint"},
            "tables": [_table(table) for table in tables],
            **more,
        }
        return parse_contract(json.dumps(document))

    return make


def _table(table: dict[str, Any]) -> dict[str, Any]:
    lists = {part: table[part] for part in ("columns", "fields") if part in table}
    return table | {
        part: [column if isinstance(column, dict) else _column(*column) for column in columns]
        for part, columns in lists.items()
    }


def _column(name: str, path: str, type_: str = "string(20)", more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "path": path, "type": type_, **(more or {})}


@pytest.fixture
def mistakes_of(contract_of: Callable[..., Contract]) -> Callable[..., list[tuple[str, str]]]:
    """(place, message) of each mistake of a contract that `contract_of` would make."""

    def refused(*tables: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
        with pytest.raises(SettingsError) as raised:
            contract_of(*tables, **more)
        lines = [line.strip().split(" (line 1): ", 1) for line in str(raised.value).splitlines()[1:]]
        return [(place, message) for place, message in lines]

    return refused


@pytest.fixture
def rows_of(contract_of: Callable[..., Contract]) -> MapDocument:
    """The rows of a document, by tables as `contract_of` takes them."""
    parser = DocumentParser(ParseLimits())

    def map_document(document: str | bytes, *tables: dict[str, Any], record_key: Key = 1, **more: Any) -> Rows:
        return compile_contract(contract_of(*tables, **more)).rows(parser.parse(document), record_key)

    return map_document
