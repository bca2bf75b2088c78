from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.pdf.extract.mend import mend, unmapped_share

TEXTS = st.text(
    st.one_of(st.sampled_from("a\u00dcZ-\ufffe\r\n \t\ufb01\u00ad\x00\x0c\u0301\ue000"), st.characters()), max_size=60
)


@pytest.mark.parametrize(
    ("found", "mended"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("adip\ufffeiscing elit", "adipiscing elit"),
        ("adip\ufffe\r\niscing elit", "adipiscing elit"),
        ("Schwarz\ufffeWei\u00df", "Schwarz-Wei\u00df"),
        ("INFORMA\ufffeTION", "INFORMATION"),
        ("page 2\ufffe3", "page 2-3"),
        ("ends with\ufffe", "ends with-"),
        ("a\ufffeb\ufffec", "abc"),
        ("e\ufb03cient \ufb01sh", "efficient fish"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ufee3\ufea4\ufee4\ufeaa", "\u0645\u062d\u0645\u062f"),
        ("soft\u00adhyphen\u200bed\ufeff", "softhyphened"),
        ("\x0cnite\x04 \x00", "\ufffdnite\ufffd \ufffd"),
        ("x\u00b2 \u2460 \u00bd", "x\u00b2 \u2460 \u00bd"),
        ("blank at the end  \r\n\tindented\t\r\n", "blank at the end\n\tindented"),
        ("\U0001f600 \U00020000", "\U0001f600 \U00020000"),
        ("", ""),
    ],
)
def test_lines_words_and_characters_are_mended_and_numbers_keep_their_meaning(found: str, mended: str) -> None:
    assert mend(found) == mended


@given(TEXTS)
def test_what_is_mended_is_nfc_storable_without_marks_of_the_library_and_stays_as_it_is(text: str) -> None:
    mended = mend(text)
    assert unicodedata.is_normalized("NFC", mended)
    assert not set(mended) & set("\0\r\ufffe\uffff\u00ad")
    mended.encode()
    assert mend(mended) == mended


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x2FF), min_size=1))
def test_no_letter_or_digit_is_lost_or_moved(text: str) -> None:
    assert mend(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "share"), [("", 0.0), (" \n", 0.0), ("ab", 0.0), ("a \ufffd\n", 0.5), ("\ue000", 1.0)]
)
def test_the_unmapped_share_counts_no_blanks(text: str, share: float) -> None:
    assert unmapped_share(text) == share
