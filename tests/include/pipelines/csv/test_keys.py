from __future__ import annotations

import pytest

from include.engine.model import RowRange
from include.pipelines.csv.input.forms import SheetForm, form_text
from include.pipelines.csv.keys import TableKeys, split_key
from include.warehouse.keys import key_fault


def part(uri: str = "a.xlsx", pin: str = "sha256:x 7", sheet: int = 0) -> RowRange:
    return RowRange(uri, pin, form_text(SheetForm(sheet)), 0, 10, 0, 0, 2)


def test_keys_sort_as_rows_and_come_apart_again() -> None:
    keys = TableKeys(part())
    found = [keys.row(number) for number in (1, 2, 10, 200_000)]
    assert found == sorted(found)
    assert [split_key(key) for key in found] == [(keys.table, number) for number in (1, 2, 10, 200_000)]
    assert all(key_fault(key) is None and key.isascii() for key in found)


def test_another_file_state_or_sheet_has_other_keys() -> None:
    tables = {TableKeys(one).table for one in (part(), part("b.xlsx"), part(pin="sha256:y 7"), part(sheet=1))}
    assert len(tables) == 4


@pytest.mark.parametrize("key", ["", "7", "a-7", "0" * 32 + "-x", "0" * 32 + "-7", "0" * 31 + "-0000000007"])
def test_what_is_no_key_of_a_row_is_none(key: str) -> None:
    assert split_key(key) is None
