from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.pipelines.xml.formula.like import like
from tests.include.pipelines.xml.formula.formula_rows import holds


@pytest.mark.parametrize(
    ("pattern", "alike", "unlike"),
    [
        ("abc", ["abc"], ["", "ab", "abcd", "ABC"]),
        ("", [""], ["a", " "]),
        ("%", ["", "a", "a\nb"], []),
        ("%%", ["", "a"], []),
        ("a%", ["a", "ab", "a\n"], ["", "ba", "A"]),
        ("%a", ["a", "ba", "\na"], ["", "ab"]),
        ("%a%", ["a", "bab", "\na\n"], ["", "b"]),
        ("a%b", ["ab", "axb", "abab"], ["a", "b", "ba", "abc"]),
        ("aa%aa", ["aaaa", "aabaa"], ["aa", "aaa"]),
        ("%a%b%", ["ab", "xaxbx"], ["ba", "b"]),
        ("_", ["a", "\n", "é", "\U0001f600"], ["", "ab"]),
        ("a_c", ["abc", "a_c", "a\nc"], ["ac", "abbc"]),
        ("_%", ["a", "ab"], [""]),
        ("%_b_%", ["abc", "xxabcx"], ["ab", "bc", "b"]),
        ("%ab_ab%c", ["abxabc", "zabababxabbc"], ["ababc", "abababc", "abxab"]),
        (".*", [".*"], ["", "a", "ab"]),
        ("a.c%", ["a.c", "a.cd"], ["abc"]),
        ("[a-z]%", ["[a-z]", "[a-z]x"], ["a", "m"]),
        ("(a|b)^$+?{2}_\\d", ["(a|b)^$+?{2}x\\d"], ["a", "(a|b)^$+?{2}x5"]),
    ],
)
def test_percent_is_any_text_underscore_any_character_and_all_else_itself(
    pattern: str, alike: list[str], unlike: list[str]
) -> None:
    for text in (*alike, *unlike):
        assert holds(f"s LIKE '{pattern}'", s=text) is (text in alike), text
        assert holds(f"s NOT LIKE '{pattern}'", s=text) is (text in unlike), text


def test_a_null_is_neither_like_nor_unlike_a_pattern() -> None:
    for pattern in ("%", "", "a", "_%_"):
        assert not holds(f"s LIKE '{pattern}'")
        assert not holds(f"s NOT LIKE '{pattern}'")
        assert holds(f"NOT s LIKE '{pattern}'")


def test_a_quote_in_a_pattern_is_written_twice() -> None:
    assert holds("s LIKE 'it''_%'", s="it's")


def alike(text: str, pattern: str) -> bool:
    """By the positions of the pattern that are reached after each character."""
    reached = {0}
    for character in [*text, None]:
        for at, sign in enumerate(pattern):
            if at in reached and sign == "%":
                reached.add(at + 1)
        if character is None:
            break
        reached = {
            at if pattern[at] == "%" else at + 1
            for at in reached
            if at < len(pattern) and pattern[at] in {"%", "_", character}
        }
    return len(pattern) in reached


def test_every_short_text_and_pattern_agrees_with_a_plain_matcher() -> None:
    texts = ["".join(letters) for size in range(5) for letters in product("ab", repeat=size)]
    for size in range(5):
        for signs in product("ab%_", repeat=size):
            matches = like("".join(signs))
            for text in texts:
                assert bool(matches(text)) is alike(text, "".join(signs)), (text, signs)


@settings(deadline=None)
@given(st.text("ab%_.*\\[\n"), st.text("ab.*\\[\n"))
def test_long_texts_and_patterns_agree_too(pattern: str, text: str) -> None:
    assert bool(like(pattern)(text)) is alike(text, pattern)


def test_no_pattern_makes_a_long_text_stall() -> None:
    started = time.process_time()
    for pattern in ("%a%a%a%a%a%a%a%b", "%a_%a_%a_%a_%a_%a_b%", "_%_%_%_%_%_%_%_b"):
        assert not like(pattern)("a" * 200_000)
    assert time.process_time() - started < 2
