from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from include.engine.errors import SettingsError
from include.warehouse.json_files import parse_json, read_json_text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "view a.json: not UTF-8 at byte 0"),
        (b'"' + b"x" * 10, "view a.json: more than 10 bytes"),
        (None, "view a.json: cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_json_text(tmp_path / "a.json", "view", 10)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a":\n 1]', "view a: not JSON at line 2, column 3: "),
        ("[NaN]", "view a: not JSON: NaN is no JSON number"),
        ("[" * 100_000, "view a: not JSON: "),
    ],
)
def test_text_that_is_no_json_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_json(text, "view a")
    assert str(caught.value).startswith(message)


def test_numbers_keep_their_digits() -> None:
    assert parse_json('{"a": 1.10, "b": 2}', "view a") == {"a": Decimal("1.10"), "b": 2}
    assert str(parse_json("1.10", "view a")) == "1.10"
