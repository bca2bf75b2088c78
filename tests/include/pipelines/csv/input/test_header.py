from __future__ import annotations

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.input.header import MAX_COLUMNS, checked_header


def test_names_lose_the_spaces_around_them() -> None:
    assert checked_header([" a ", "b b"]) == ("a", "b b")


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        checked_header(["a", "", "b", "a ", " ", "x" * 1000, "x" * 1000])
    for fault in (
        "column 2 has no name",
        "column 5 has no name",
        "columns 1 and 4 have the same name; ",
        "columns 6 and 7",
    ):
        assert fault in str(caught.value)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("cells", [[], [""], [" ", "\t"], [str(n) for n in range(MAX_COLUMNS + 1)]])
def test_what_names_nothing_or_too_much_is_no_header(cells: list[str]) -> None:
    with pytest.raises(SettingsError, match="header: "):
        checked_header(cells)
