"""Warnings and marks from the transform to the summary of the run."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import FatalError
from include.engine.model import NotedRows, Record
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.load import load_batch
from include.warehouse.pipeline import mark_names_of
from include.warehouse.runs import Run, run_line, start_run
from include.warehouse.schema import prepare
from include.warehouse.summary import RunSummary, judge_run
from tests.include.warehouse.test_load import SETTINGS, ToyPipeline, rows_of
from tests.include.warehouse.toy_people import attempt, batch

RUN = Run("toy", "people", "toy_dag", "run 1")
CUT, UNKNOWN = "truncated person.name", "unknown contact.kind"


class NotingPipeline(ToyPipeline):
    """Of 20 records 15 are written; each even one was cut, 5 (too long) and 6 (refused) are unknown as well."""

    mark_names = ("person.name", "person.email", "contact.kind", "address.line")

    def transform(self) -> Any:
        def noting(record: Record) -> NotedRows:
            warnings = {CUT: 1} if int(record.key) % 2 == 0 else {}
            if record.key in (5, 6):
                warnings[UNKNOWN] = 1
            # The third bit is set in a record that the database refuses, and in no other.
            return NotedRows(rows_of(record), warnings, 0b0101 if record.key == 6 else 0b0001)

        return noting


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "w.db")


def load(warehouse: Warehouse, pipeline: ToyPipeline, who: dict[str, Any] | None = None, **options: Any) -> Any:
    return load_batch(pipeline, batch(), attempt(**who or {}), warehouse, SETTINGS, stop=threading.Event(), **options)


def judged(warehouse: Warehouse, pipeline: ToyPipeline, line: dict[str, Any], run: Run = RUN) -> RunSummary:
    return judge_run(
        warehouse,
        run,
        [batch()],
        SETTINGS,
        reported=[line],
        mark_names=mark_names_of(pipeline),
        fingerprint=pipeline.fingerprint,
    )


def test_a_run_tells_what_was_tolerated_and_what_stayed_empty(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pipeline = NotingPipeline()
    line = load(warehouse, pipeline)
    assert (line["records_written"], line["warnings"], line["marks"]) == (15, {CUT: 8}, "1")
    assert (line["stats"]["warnings"], line["stats"]["marks"]) == (line["warnings"], line["marks"])
    start_run(warehouse, RUN, [batch()])
    summary = judged(warehouse, pipeline, line)
    assert summary.empty_in_every_record == ("person.email", "contact.kind", "address.line")
    closed = run_line(warehouse, RUN)
    assert closed is not None
    assert closed["summary"]["warnings"] == {CUT: 8} == closed["summary"]["stats"]["warnings"]
    assert closed["summary"]["empty_in_every_record"] == list(summary.empty_in_every_record)
    assert f"warning {CUT}" in caplog.text
    assert "3: person.email, contact.kind, address.line" in caplog.text


def test_a_retry_adds_to_what_the_first_attempt_had_noted(warehouse: Warehouse) -> None:
    whole = load(warehouse, NotingPipeline())
    with pytest.raises(FatalError, match="gone"):
        load(warehouse, NotingPipeline(fails_at=12), {"run_id": "run 2"})
    (failed,) = Ledger(warehouse).lines_of_run("toy_dag", "run 2")
    line = load(warehouse, NotingPipeline(), {"run_id": "run 2", "owner": "owner 2"})
    assert line["cycle_id"] == failed["cycle_id"]
    assert (line["warnings"], line["marks"]) == (whole["warnings"], whole["marks"])
    assert (line["stats"]["warnings"], line["stats"]["marks"]) == (line["warnings"], line["marks"])


def test_a_dry_run_reports_warnings_and_empty_fields_too(warehouse: Warehouse) -> None:
    pipeline = NotingPipeline()
    line = load(warehouse, pipeline, dry_run=True)
    # Nobody refused the rows of record 6.
    assert (line["stats"]["warnings"], line["stats"]["marks"]) == ({CUT: 9, UNKNOWN: 1}, "5")
    prepare(warehouse, "toy", pipeline.target)
    start_run(warehouse, RUN, [batch()])
    report = judged(warehouse, pipeline, line).to_json()
    assert report["warnings"] == {CUT: 9, UNKNOWN: 1}
    assert report["empty_in_every_record"] == ["person.email", "address.line"]


def test_a_run_of_unchanged_records_warns_of_nothing_and_names_no_empty_field(warehouse: Warehouse) -> None:
    pipeline = NotingPipeline(keys=range(3))
    assert load(warehouse, pipeline)["warnings"] == {CUT: 2}
    line = load(warehouse, pipeline, {"run_id": "run 2"}, skip_unchanged=True)
    assert (line["records_skipped"], line["warnings"], line["marks"]) == (3, None, None)
    second = replace(RUN, run_id="run 2")
    start_run(warehouse, second, [batch()])
    report = judged(warehouse, pipeline, line, run=second).to_json()
    assert (report["warnings"], report["empty_in_every_record"]) == ({}, [])
