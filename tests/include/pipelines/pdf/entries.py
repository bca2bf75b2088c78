"""Entries of manifests for the tests."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.pdf.manifest.model import ManifestDocument

PROJECT = uuid.UUID("11111111-2222-3333-4444-555555555555")

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="Tesseract is not installed (Debian: apt-get install tesseract-ocr)"
)


def key_of(file_path: str) -> uuid.UUID:
    return uuid.uuid5(PROJECT, file_path)


def document(file_path: str, **fields: Any) -> ManifestDocument:
    """Its uuid comes from the path."""
    return ManifestDocument(document_uuid=key_of(file_path), project_uuid=PROJECT, file_path=file_path, **fields)


def entry(file_path: str, **fields: Any) -> dict[str, Any]:
    """The same as it stands in a manifest."""
    return {"document_uuid": str(key_of(file_path)), "project_uuid": str(PROJECT), "file_path": file_path, **fields}


def write_lines(path: Path, entries: Iterable[Any]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in entries)
    return path
