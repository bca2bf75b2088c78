from __future__ import annotations

import pytest

from include.pipelines.csv.output.finished import FinishedRow


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (FinishedRow(1, {"a": "x"}), ""),
        (FinishedRow(1, code="api.refused", message="the model gave no text"), "api.refused: the model gave no text"),
        (FinishedRow(1, code="api.refused"), "api.refused"),
    ],
)
def test_an_error_is_its_class_and_its_message(row: FinishedRow, text: str) -> None:
    assert row.error == text
