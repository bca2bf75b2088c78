"""From a row to the line of the table: the steps, each with its paid calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from include.engine.model import Record, Rows
from include.pipelines.csv.calls.paid_calls import PaidCalls
from include.pipelines.csv.source import RowWork
from include.pipelines.csv.steps.runner import run_steps
from include.pipelines.csv.steps.step import Step
from include.pipelines.csv.tables import GENERATED, ROWS
from include.warehouse.storable import storable

MAX_TEXT = 2**30
"""UTF-16 units of a text."""


class EnrichRow:
    """Called from many threads, each of which works one row from its first call to its last."""

    def __init__(self, steps: Sequence[Step], calls: PaidCalls, deadline_s: float) -> None:
        self._steps = steps
        self._calls = calls
        self._deadline_s = deadline_s

    def __call__(self, record: Record) -> Rows:
        """Raises what the first step that fails raises."""
        work: RowWork = record.payload
        made = run_steps(self._steps, work.row, self._calls.for_row(self._deadline_s))
        fields = work.row.fields
        extra = {name: text for name, text in made.items() if name not in GENERATED}
        line = (
            record.key,
            work.uri,
            work.pin,
            work.row.number,
            _kept(fields, "company"),
            _kept(fields, "domain"),
            _json(fields),
            *(_kept(made, name) for name in GENERATED),
            _json(extra) if extra else None,
        )
        return {ROWS: [line]}


def _kept(texts: Mapping[str, str], name: str) -> str | None:
    return storable(texts[name], MAX_TEXT) if name in texts else None


def _json(texts: Mapping[str, str]) -> str:
    """Read back by `json.loads` to the same texts."""
    return storable(json.dumps(dict(texts), ensure_ascii=False), MAX_TEXT)
