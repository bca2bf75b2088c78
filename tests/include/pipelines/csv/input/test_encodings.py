from __future__ import annotations

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.input.encodings import TextEncoding, asked, guessed, marked, named, unmarked


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_seen_before_all_else(codec: str) -> None:
    content = "a,b\n".encode(codec)
    found = marked(content)
    assert found is not None
    assert content[found.mark :].decode(found.codec) == "a,b\n"
    assert found.byte_order_mark == content[: found.mark]
    assert asked(codec) == found
    assert named(codec, content) == found


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        ("name,city\nJosé,Köln\n".encode("utf-16-le"), "utf-16-le"),
        ("name,city\nJosé,Köln\n".encode("utf-16-be"), "utf-16-be"),
        ("name,city\nJosé,Köln\n".encode(), "utf-8"),
        (b"a,b\0\0\0\0\0\0\0\0\0\0\n", "utf-8"),
        (b"", "utf-8"),
    ],
)
def test_without_a_mark_it_is_utf_16_where_zeros_lie_so_and_else_utf_8(content: bytes, codec: str) -> None:
    assert unmarked(content) == TextEncoding(codec)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Müller & Söhne;Köln\nJosé Peña;Málaga\n", "cp1252"),
        ("Müller GmbH;Köln\n", "cp1252"),
        ("Společnost s ručením;Plzeň\nŠkoda;Mladá Boleslav\nŽelezárny;Třinec\n" * 5, "cp1250"),
        ("Ελληνικά;Θεσσαλονίκη\n" * 9, "cp1253"),
        ("株式会社日本経済新聞社;東京都千代田区大手町\n本田技研工業株式会社;東京\n" * 3, "cp932"),
    ],
)
def test_a_file_that_is_not_utf_8_is_guessed_from_its_lines(text: str, codec: str) -> None:
    lines = text.encode(codec).splitlines(keepends=True)
    assert b"".join(lines).decode(guessed(lines).codec) == text


@pytest.mark.parametrize("name", ["latin-1", "CP1252", "utf8", "shift_jis", "gb18030", "utf-16-be", "UTF_16", "ascii"])
def test_an_encoding_is_taken_by_any_name_that_python_knows(name: str) -> None:
    assert "é".encode(named(name, b"").codec, "replace")


@pytest.mark.parametrize("name", ["utf-7", "cp037", "iso2022_jp", "hz", "klingon", "base64", "rot13", ""])
def test_an_encoding_whose_line_ends_cannot_be_found_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"encoding: .* cannot be read"):
        named(name, b"")


def test_a_mark_counts_for_a_given_encoding_too_and_one_that_speaks_against_it_does_not() -> None:
    assert named("utf-8", b"\xef\xbb\xbfa") == TextEncoding("utf-8", 3)
    assert named("utf-16", b"\xfe\xff\0a") == TextEncoding("utf-16-be", 2)
    assert named("cp1252", b"\xef\xbb\xbfa") == TextEncoding("cp1252")
