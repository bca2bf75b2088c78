from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from include.pipelines.csv.output.characters import plain


@given(text=st.text(st.characters()))
def test_what_is_left_is_text_that_any_file_can_hold(text: str) -> None:
    clean = plain(text)
    assert len(clean) == len(text)
    element = etree.Element("t")
    element.text = clean
    again = etree.fromstring(etree.tostring(element, encoding="utf-8")).text
    assert (again or "") == clean


def test_only_what_no_file_can_hold_is_replaced() -> None:
    assert plain("a\0\x0b\x1f\ud800\uffff") == "a" + "\ufffd" * 5
    kept = "\t\r\n \u00e9\U0001f600\ufffd"
    assert plain(kept) == kept
