"""Resources of the test data, which Synthea made."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.fhir.views.resources import read_resource


def real_resources(test_data: Path, resource_type: str, limit: int | None = None) -> list[dict[str, Any]]:
    """In the order of the file, at most so many."""
    path = test_data / "data" / "fhir" / f"{resource_type}.ndjson.gz"
    if not path.is_file():
        pytest.skip(f"no {path}: put resources of FHIR R4 there, as NDJSON by type, compressed by gzip")
    lines = gzip.decompress(path.read_bytes()).splitlines()
    return [read_resource(line) for line in lines[:limit]]
