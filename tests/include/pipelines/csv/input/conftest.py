from __future__ import annotations

from pathlib import Path

import pytest

from tests.include.pipelines.csv.table_files import TableFiles


@pytest.fixture
def files(folder: Path) -> TableFiles:
    return TableFiles(folder)
