from __future__ import annotations

from dataclasses import replace

import pytest

from include.engine.model import Receipt
from include.engine.stats import BatchStats, Counters
from include.warehouse.all_attempts import settled_before
from include.warehouse.attempt import Cycle

BEFORE = Receipt(8, 3, 1, 40, {"a": 2, "b": 1}, {"unchanged": 1}, {"cut": 8}, 0b101)


def before(resumed: int, overtaken: int = 0, settled: Receipt = BEFORE) -> Receipt:
    cycle = Cycle(1, "toy", "people", "run", "me", resumed=True, settled=settled)
    return settled_before(cycle, BatchStats(counters=Counters(records_resumed=resumed)), overtaken)


@pytest.mark.parametrize(("resumed", "overtaken"), [(12, 0), (12, 9), (5, 0)])
def test_what_was_found_again_or_has_left_the_source_stays_counted(resumed: int, overtaken: int) -> None:
    assert before(resumed, overtaken) == BEFORE


def test_what_was_dropped_for_its_key_and_never_counted_is_a_duplicate() -> None:
    assert before(14) == replace(BEFORE, skipped=3, skipped_by_reason={"unchanged": 1, "duplicate_key": 2})


def test_a_cycle_that_was_overtaken_in_all_its_records_has_settled_none_before() -> None:
    assert before(0, 30) == Receipt(marks=0b101)


@pytest.mark.parametrize("resumed", range(12))
@pytest.mark.parametrize("overtaken", [1, 4, 99])
def test_names_add_up_to_their_counts_however_many_records_were_overtaken(resumed: int, overtaken: int) -> None:
    found = before(resumed, overtaken)
    assert found.settled == 12 - min(12 - resumed, overtaken)
    assert (sum(found.rejected_by_code.values()), sum(found.skipped_by_reason.values())) == (
        found.rejected,
        found.skipped,
    )
    assert found.rows_written == 5 * found.written == 5 * found.warnings.get("cut", 0)
    assert 0 <= found.written <= 8
    assert 0 <= found.rejected <= 3


def test_an_attempt_before_that_settled_nothing_has_nothing_to_forget() -> None:
    assert before(0, 5, Receipt()) == Receipt()
