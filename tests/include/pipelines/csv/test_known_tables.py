from __future__ import annotations

from dataclasses import replace

from include.engine.model import RowRange
from include.pipelines.csv.input.forms import CsvForm, form_text
from include.pipelines.csv.keys import TableKeys
from include.pipelines.csv.known_tables import known_tables, remember_tables
from include.warehouse.connection import Warehouse

PART = RowRange("/in/é.csv", "sha256:x 7", form_text(CsvForm("utf-8", 0, ",", "\n", 9)), 0, 10, 9, 90, 2)


def test_tables_are_known_by_the_keys_of_their_rows_as_they_were_planned_last(exact_warehouse: Warehouse) -> None:
    others = [replace(PART, uri=f"/in/{number}.csv") for number in range(1200)]
    remember_tables(exact_warehouse, [PART, *others])
    remember_tables(exact_warehouse, [replace(PART, last=5)])
    keys = {TableKeys(part).table for part in (PART, *others)}
    found = known_tables(exact_warehouse, keys | {"unknown"})
    assert found.keys() == keys
    assert found[TableKeys(PART).table] == replace(PART, last=5)


def test_a_limited_plan_takes_no_rows_away_and_adds_those_that_no_plan_has_seen(exact_warehouse: Warehouse) -> None:
    key = TableKeys(PART).table

    def known(last: int, *, limited: bool) -> int:
        part = replace(PART, last=last)
        remember_tables(exact_warehouse, [] if limited else [part], [part] if limited else [])
        return known_tables(exact_warehouse, {key})[key].last

    assert known(3, limited=True) == 3
    assert known(2, limited=True) == 3
    assert known(5, limited=True) == 5
    assert known(10, limited=False) == 10
    assert known(5, limited=True) == 10
    assert known(9, limited=False) == 9
