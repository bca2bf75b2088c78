from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from include.warehouse.connection import sqlite_warehouse
from include.warehouse.loaders.sqlite import MAX_VARIABLES, SqliteLoader, places_for
from include.warehouse.tables import records


@given(st.integers(1, 1_000_000))
def test_a_statement_has_room_for_all_rows_and_an_eighth_more_at_most(count: int) -> None:
    assert count <= places_for(count) <= count * 9 / 8


def test_few_sizes_of_statement_serve_many_counts() -> None:
    assert len({places_for(count) for count in range(1, 1025)}) <= 64


@pytest.mark.parametrize("count", [1, 7, 8, 9, 100, 1023, 1025])
@pytest.mark.parametrize("width", [1, 30, 1200])
def test_padding_never_arrives_whatever_the_count_and_width(tmp_path: Path, count: int, width: int) -> None:
    names = [f"c{number}" for number in range(width)]
    table = sa.Table("t", sa.MetaData(), *(sa.Column(name, sa.Integer) for name in names))
    warehouse = sqlite_warehouse(tmp_path / "w.db")

    def work(connection: sa.Connection) -> tuple[int, int]:
        table.create(connection)
        SqliteLoader().insert(connection, table, [(row,) * width for row in range(count)])
        text = "SELECT COUNT(*), SUM(c0) FROM t"
        return tuple(connection.exec_driver_sql(text).one())

    assert width * 8 < MAX_VARIABLES
    assert warehouse.transact("test", work) == (count, count * (count - 1) // 2)


def test_looking_keys_up_uses_the_primary_key(tmp_path: Path) -> None:
    warehouse = sqlite_warehouse(tmp_path / "w.db")
    texts: list[str] = []

    def work(connection: sa.Connection) -> list[str]:
        records.create(connection)
        sa.event.listen(connection, "before_cursor_execute", lambda *arguments: texts.append(arguments[2]))
        SqliteLoader().select(connection, records, ["version"], ("p", "t"), ["a"])
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {texts[0]}", ("[]", "p", "t")).all()
        return [row[3] for row in plan]

    assert any(
        "USING PRIMARY KEY (pipeline=? AND target=? AND record_key=?)" in step for step in warehouse.transact("t", work)
    )
