"""Tables below a root on disk, planned and read as a run does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from include.connections.files.places import Places
from include.connections.files.roots import LocalRoots
from include.engine.model import Batch, RowRange
from include.pipelines.csv.input.plans import TableOptions, TablePlan, whole
from include.pipelines.csv.input.rows import TableRow
from include.pipelines.csv.input.tables import open_table, plan_table


@dataclass
class TableFiles:
    folder: Path

    @property
    def places(self) -> Places:
        return Places(LocalRoots([self.folder]), None)

    def plan(self, content: bytes, batch_size: int = 1000, **options: Any) -> TablePlan:
        (self.folder / "table").write_bytes(content)
        return plan_table(self.places, "table", TableOptions(**options), batch_size)

    def plan_sheet(self, rows: list[list[Any]], batch_size: int = 1000, **options: Any) -> TablePlan:
        workbook = Workbook()
        for row in rows:
            workbook.active.append(row)
        workbook.save(self.folder / "table")
        return plan_table(self.places, "table", TableOptions(**options), batch_size)

    def read(self, batch: Batch) -> list[TableRow]:
        part = part_of(batch)
        assert len(json.dumps(batch.to_json())) <= 1024
        with open_table(self.places, part) as table:
            return list(table.rows)

    def rows(self, plan: TablePlan) -> list[TableRow]:
        with open_table(self.places, everything(plan)) as table:
            return list(table.rows)


def part_of(batch: Batch) -> RowRange:
    assert isinstance(batch.part, RowRange)
    return batch.part


def everything(plan: TablePlan) -> RowRange:
    return whole([part_of(batch) for batch in plan.batches])
