from __future__ import annotations

import pytest

from include.pipelines.csv.output.formulas import neutralised


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", '=HYPERLINK("x")', "+1 555"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "-5", "+3.25", "-0,5", " =1", "'=1", "1+1"])
def test_other_text_and_numbers_stay(text: str) -> None:
    assert neutralised(text) == text
