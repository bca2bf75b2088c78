from __future__ import annotations

import pytest

from include.warehouse.text_error import LONGEST_TOKEN, TextError


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("+", "at + (line 2, column 7): no such operator"),
        ("", "at the end (line 2, column 7): no such operator"),
        ("x" * 99, f"at {'x' * (LONGEST_TOKEN - 1)}… (line 2, column 7): no such operator"),
    ],
)
def test_a_mistake_names_its_token_and_place(token: str, text: str) -> None:
    assert str(TextError("no such operator", 2, 7, token)) == text
