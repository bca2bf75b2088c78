from __future__ import annotations

from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.engine.model import Key, NotedRows, Rows
from include.warehouse.kinship import within_record
from tests.include.warehouse.toy_people import lone_people, people, person_rows


@pytest.mark.parametrize(
    "addresses", [[("2-0", "of another record")], [("1-0", "mine"), (None, "of nobody")]], ids=["another", "none"]
)
def test_a_row_whose_parent_is_of_another_record_is_rejected(addresses: list[Any]) -> None:
    def fit(rows: Rows, key: Key) -> Rows:
        return {**rows, "address": addresses}

    with pytest.raises(RecordRejected, match=r"fit\.parent: address: a row whose contact"):
        within_record(people(), fit)(person_rows(1), 1)


def test_rows_of_one_record_pass() -> None:
    assert within_record(people(), as_they_are)(person_rows(1), 1) == person_rows(1)
    assert within_record(people(), as_they_are)({}, 1) == {}


def test_what_rows_note_passes_with_them() -> None:
    noted = NotedRows(person_rows(1), {"truncated person.name": 1}, 6)
    assert within_record(people(), as_they_are)(noted, 1) is noted


def test_a_target_whose_tables_all_carry_the_key_costs_nothing() -> None:
    assert within_record(lone_people(), as_they_are) is as_they_are


def as_they_are(rows: Rows, key: Key) -> Rows:
    return rows
