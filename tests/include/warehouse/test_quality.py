from __future__ import annotations

import pytest

from include.engine.stats import Counters, RunStats
from include.warehouse.quality import LOGGED, never_set, quality_lines

NAMES = ("person.name", "person.email", "contact.kind")


@pytest.mark.parametrize(
    ("written", "marks", "empty"),
    [
        (1, 0b000, NAMES),
        (9, 0b010, ("person.name", "contact.kind")),
        (9, 0b111, ()),
        (9, 0b1000, NAMES),  # a bit that has no name
        (0, 0b000, ()),
    ],
)
def test_a_mark_that_no_written_record_has_is_named(written: int, marks: int, empty: tuple[str, ...]) -> None:
    assert never_set(RunStats(counters=Counters(records_written=written), marks=marks), NAMES) == empty


def test_a_log_shows_the_frequent_warnings_first_and_sums_the_rest() -> None:
    warnings = {f"truncated t.c{number:02}": number for number in range(1, LOGGED + 4)}
    lines = list(quality_lines(warnings, ()))
    assert lines[0] == ("warning truncated t.c53", "53")
    assert lines[-1] == ("warnings of 3 more names", "6")
    assert len(lines) == LOGGED + 1
    assert list(quality_lines({"unknown t.b": 1200, "unknown t.a": 1200}, ())) == [
        ("warning unknown t.a", "1,200"),
        ("warning unknown t.b", "1,200"),
    ]


def test_a_log_names_empty_fields_up_to_a_bound_and_counts_all() -> None:
    assert list(quality_lines({}, NAMES)) == [
        ("empty in every record written", "3: person.name, person.email, contact.kind")
    ]
    ((_, many),) = quality_lines({}, [f"t.c{number}" for number in range(LOGGED + 1)])
    assert many.startswith(f"{LOGGED + 1}: t.c0, ")
    assert many.endswith(f"t.c{LOGGED - 1}, …")
    assert list(quality_lines({}, ())) == []
