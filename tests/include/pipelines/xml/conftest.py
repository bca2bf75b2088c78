"""Contracts and documents small enough to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from include.engine.model import Key, Rows
from include.pipelines.xml.compile import compile_contract
from include.pipelines.xml.contract import Contract
from include.pipelines.xml.contract_files import parse_contract
from include.pipelines.xml.parser import DocumentParser, ParseLimits

MapDocument = Callable[..., Rows]


@pytest.fixture
def contract_of() -> Callable[..., Contract]:
    """A contract with these tables; each table's columns are (name, path, type, more)."""

    def make(*tables: dict[str, Any], **more: Any) -> Contract:
        document = {
            "contract": "small",
            "version": 1,
            "root": "Doc",
            "key": {"column": "doc_id", "type": "bigint"},
            "tables": [{**table, "columns": [_column(*column) for column in table["columns"]]} for table in tables],
            **more,
        }
        return parse_contract(json.dumps(document))

    return make


def _column(name: str, path: str, type_: str = "string(20)", more: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "path": path, "type": type_, **(more or {})}


@pytest.fixture
def rows_of(contract_of: Callable[..., Contract]) -> MapDocument:
    """The rows of a document, by tables as `contract_of` takes them."""
    parser = DocumentParser(ParseLimits())

    def map_document(document: str | bytes, *tables: dict[str, Any], record_key: Key = 1, **more: Any) -> Rows:
        return compile_contract(contract_of(*tables, **more)).rows(parser.parse(document), record_key)

    return map_document
