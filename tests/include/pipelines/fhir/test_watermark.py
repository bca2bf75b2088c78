from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.pipelines.fhir.watermark import MARK, MAX_MARKS, Watermark, marks_of
from include.warehouse.tables import MAX_KEY

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_watermark_comes_back_from_its_text_which_the_warehouse_can_hold() -> None:
    marks = frozenset(marks_of({f"Type{number}": str(number) for number in range(MAX_MARKS)}).values())
    assert len(marks) == MAX_MARKS > 20
    found = Watermark(NOON, marks)
    assert Watermark.parsed(str(found)) == found
    assert len(str(found)) <= MAX_KEY


@pytest.mark.parametrize("text", [None, "", "1000050", "2026-03-01", "2026-03-01T12:00:00"])
def test_what_is_no_watermark_is_none(text: str | None) -> None:
    assert Watermark.parsed(text) is None


def test_a_mark_changes_with_its_own_type_only() -> None:
    before = marks_of({"Patient": "a", "Observation": "b"})
    after = marks_of({"Patient": "a", "Observation": "c", "Claim": "b"})
    assert before["Patient"] == after["Patient"]
    assert len({*before.values(), *after.values()}) == 4
    assert {len(mark) for mark in after.values()} == {MARK}


def test_beyond_what_fits_one_mark_stands_for_all_types() -> None:
    many = {f"Type{number}": "a" for number in range(MAX_MARKS + 1)}
    assert len({*marks_of(many).values()}) == 1
    assert {*marks_of(many).values()} != {*marks_of({**many, "Type0": "b"}).values()}
