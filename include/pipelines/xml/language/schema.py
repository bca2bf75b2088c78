"""Writes the published JSON Schema of contracts: `python -m include.pipelines.xml.language.schema`."""

from __future__ import annotations

import json
from pathlib import Path

from include.pipelines.xml.language.contract import contract_schema

SCHEMA_FILE = Path(__file__).parents[1] / "contract.schema.json"
"""Beside the contracts, for editors; a test keeps it equal to the model."""


def schema_text() -> str:
    """The file's content."""
    return json.dumps(contract_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
