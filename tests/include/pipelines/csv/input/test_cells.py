# ruff: noqa: DTZ001 - a worksheet knows no time zones
from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.input.cells import Cell, SheetCell, SheetValue, cell_text, field_text


def text(value: SheetValue) -> str:
    return cell_text(SheetCell(value, "n", "General"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("=1+1", "=1+1"),
        ("a_x000D_\nb_x0009_", "a\r\nb\t"),
        ("_x005F_x000D_ _x005f_", "_x000D_ _"),
        ("a_x0000_b", "a\ufffdb"),
        ("_xD83D_ _x12_ x000D_ _x000G_", "_xD83D_ _x12_ x000D_ _x000G_"),
        (True, "TRUE"),
        (False, "FALSE"),
        (12345678901234567890, "12345678901234567890"),
        (3.0, "3"),
        (-0.1, "-0.1"),
        (1e300, "1e+300"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, 678000), "2026-01-02 03:04:05.678000"),
        (time(3, 4), "03:04:00"),
        (timedelta(days=1, hours=2, seconds=4, milliseconds=500), "26:00:04.5"),
        (timedelta(seconds=-1), "-0:00:01"),
    ],
)
def test_a_value_has_one_text(value: SheetValue, expected: str) -> None:
    assert text(value) == expected


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_its_text(value: float) -> None:
    assert float(text(value)) == value


@given(value=st.datetimes())
def test_a_moment_comes_back_from_its_text(value: datetime) -> None:
    assert datetime.fromisoformat(text(value)) == value


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (" Acme ", "Acme"),
        ("#N/A", ""),
        (" #DIV/0! ", ""),
        ("#NAME?", ""),
        ("#1 Plumbing", "#1 Plumbing"),
        ("a #N/A", "a #N/A"),
        ("a_x000D_", "a_x000D_"),
        (SheetCell("a_x000D_", "s", "General"), "a"),
        (SheetCell("#N/A", "s", "General"), ""),
        (SheetCell("#WHATEVER", "e", "General"), ""),
        (SheetCell(3.0, "n", "General"), "3"),
    ],
)
def test_a_step_reads_nothing_where_a_spreadsheet_put_an_error(cell: Cell, read: str) -> None:
    assert field_text(cell) == read


def test_a_cell_of_csv_is_its_text() -> None:
    assert cell_text(" a ") == " a "
