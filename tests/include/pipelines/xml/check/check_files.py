"""Contracts and documents as files, for the command that checks them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from include.pipelines.xml.language.files import read_contract
from include.pipelines.xml.tables import target_of
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.schema import prepare

ROOT = Path(__file__).resolve().parents[5]
LENDING = ROOT / "include" / "pipelines" / "xml" / "contracts" / "lending.json"
FULL = ROOT / "tests" / "fixtures" / "contracts" / "lending_full.json"


def write_contract(folder: Path, *tables: dict[str, Any], **more: Any) -> Path:
    """`small.json` in the folder: the record's key is the document's `@id`."""
    contract = {
        "contract": "small",
        "version": 1,
        "root": "App",
        "key": {"column": "app_id", "type": "int", "path": "@id"},
        "tables": list(tables),
        **more,
    }
    file = folder / "small.json"
    file.write_text(json.dumps(contract), encoding="utf-8")
    return file


def write_document(folder: Path, document: str | bytes, name: str = "a.xml") -> Path:
    file = folder / name
    file.write_bytes(document if isinstance(document, bytes) else document.encode("utf-8", "surrogatepass"))
    return file


def column(name: str, path: str, type_: str = "string(20)", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, "type": type_, **more}


def made_by_a_run(contract: Path, file: Path) -> Path:
    """A SQLite file with the tables of a contract."""
    prepare(sqlite_warehouse(file), "xml_records", target_of(read_contract(contract)))
    return file


BASE = {"name": "base", "columns": [column("a", "A", "string(3)"), column("n", "N", "tinyint", required=True)]}
