from __future__ import annotations

import io

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.input.delimiter import checked_delimiter, sniffed
from include.pipelines.csv.input.encodings import TextEncoding
from include.pipelines.csv.input.lines import Lines


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b;c\n1,5;2;3\n1,7;2;3\n", ";"),
        ("a\tb\nx, y\tz\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ('a,b\n"x;y;z\n;;",2\n', ","),
        ("Company, Inc;Web\nA;b\nC;d\n", ";"),
        ("a,b\nragged\n1,2\n3,4\n", ","),
        ("one\ntwo\n", ","),
        ("", ","),
    ],
)
def test_the_character_is_taken_that_gives_most_rows_the_headers_cells(content: str, delimiter: str) -> None:
    data = content.encode()
    assert sniffed(Lines(io.BytesIO(data), len(data), TextEncoding("utf-8"))) == delimiter


def test_a_given_one_is_checked_and_a_tab_may_be_written_out() -> None:
    assert [checked_delimiter(given) for given in (",", "\\t", "~")] == [",", "\t", "~"]
    for given in ("", ",,", '"', "\n", "a", "1", " "):
        with pytest.raises(SettingsError, match="delimiter: give one character"):
            checked_delimiter(given)
