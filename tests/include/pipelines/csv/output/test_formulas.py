from __future__ import annotations

import pytest

from include.pipelines.csv.output.formulas import neutralised, neutralised_in_csv

RUN = ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", '=HYPERLINK("x")', "+1 555"]
RUN += ["\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\ufeff=1+1", "\u200b\ufeff+A1"]


@pytest.mark.parametrize("text", RUN)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "-5", "+3.25", "-0,5", " =1", "'=1", "1+1", "\ufeffa", "\ufeff"])
def test_other_text_and_numbers_stay(text: str) -> None:
    assert neutralised(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Hi,=HYPERLINK(0)", "Hi,'=HYPERLINK(0)"),
        ("=a,=b|@c\t+d\n-e", "'=a,'=b|'@c\t'+d\n'-e"),
        ("Hi\r\n\uff1dA1", "Hi\r\n'\uff1dA1"),
        ("Hi;=1", "Hi;=1"),
        ("One, two = 3;-)\n- four\n--\nJane", "One, two = 3;-)\n- four\n--\nJane"),
    ],
)
def test_in_csv_no_part_would_run_either_that_another_delimiter_makes_a_cell(text: str, written: str) -> None:
    assert neutralised_in_csv(text, ";") == written
