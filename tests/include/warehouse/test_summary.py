from __future__ import annotations

import json
import re
from typing import Any

import pytest

from include.engine.histogram import RELATIVE_ERROR, Histogram
from include.engine.model import Batch, KeyRange, KeyTiming
from include.engine.settings import EngineSettings
from include.engine.stats import BatchStats, Counters
from include.warehouse.summary import judge


def line(index: int, state: str = "succeeded", written: int = 100, rejected: int = 0, **more: Any) -> dict[str, Any]:
    counts = {"records_read": written + rejected, "records_written": written, "records_rejected": rejected}
    return {"batch_index": index, "state": state, "stats": None, "wall_s": 2.0, **counts, **more}


def plan(count: int) -> list[Batch]:
    return [Batch(index, KeyRange(index, index + 1), 100) for index in range(count)]


@pytest.mark.parametrize(
    ("planned", "lines", "limits", "faults"),
    [
        (0, [], {}, []),
        (2, [line(0), line(1)], {}, []),
        (2, [line(1), line(0)], {}, []),
        (3, [line(0), line(2)], {}, ["1 batches missing: 1"]),
        (2, [line(0), line(1, "failed")], {}, ["1 batches failed: 1"]),
        (2, [line(0), line(1, "running")], {}, ["1 batches failed: 1"]),
        (1, [line(0), line(5, "failed")], {}, []),
        (1, [line(0, batch=plan(1)[0].to_json())], {}, []),
        (1, [line(0, batch=plan(2)[1].to_json())], {}, ["1 batches missing: 0"]),
        (1, [line(0, rejected=2)], {"max_rejects": 2}, []),
        (1, [line(0, rejected=3)], {"max_rejects": 2}, ["3 of 103 records were rejected, max_rejects is 2"]),
        (1, [line(0, written=50, rejected=49)], {"max_reject_rate": 0.1}, []),
        (
            2,
            [line(0, written=50, rejected=49), line(1, written=1)],
            {"max_reject_rate": 0.1},
            ["49 of 100 records were rejected, max_reject_rate is 0.1"],
        ),
        (30, [], {}, ["30 batches missing: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, …"]),
    ],
)
def test_a_run_is_good_when_every_batch_is_and_rejects_keep_within_limits(
    planned: int, lines: list[dict[str, Any]], limits: dict[str, Any], faults: list[str]
) -> None:
    summary = judge(plan(planned), lines, EngineSettings(**limits))
    assert list(summary.faults) == faults
    assert summary.succeeded == (not faults)
    assert summary.to_json()["state"] == ("failed" if faults else "succeeded")


def test_counts_are_those_of_the_lines_and_measures_those_of_the_stats() -> None:
    measured = BatchStats(counters=Counters(records_written=7, records_bugs=2), reader_busy_s=1.5, worker_busy_s=[4.0])
    summary = judge(plan(2), [line(0, stats=measured.to_json()), line(1, written=50)], EngineSettings())
    counters = summary.stats.counters
    assert (counters.records_written, counters.records_bugs, counters.wall_s) == (150, 2, 4.0)
    assert (summary.stats.reader_busy_s, summary.stats.batches, summary.batches_succeeded) == (1.5, 2, 2)
    assert "records written" in summary.table()
    assert "bottleneck" in summary.table()


def test_a_summary_tells_how_long_records_and_insert_batches_took_who_was_busy_and_what_was_slowest() -> None:
    measured = BatchStats(
        transform_latency=Histogram.of([0.002] * 98 + [0.5, 3.0]),
        insert_latency=Histogram.of([0.04]),
        measured_s=2.0,
        worker_busy_s=[1.5],
        slowest=[KeyTiming(3.0, 1000050)],
    )
    summary = judge(plan(1), [line(0, stats=measured.to_json())], EngineSettings())
    found = json.loads(json.dumps(summary.to_json()))["timings"]
    assert found["transform_of_a_record"]["p95_s"] == pytest.approx(0.002, rel=RELATIVE_ERROR)
    assert found["transform_of_a_record"]["p99_s"] == pytest.approx(0.5, rel=RELATIVE_ERROR)
    assert (found["insert_batch"]["max_s"], found["busy_shares"]["workers"]) == (0.04, 0.75)
    assert found["slowest"] == [[1000050, 3.0]]
    table = summary.table()
    assert re.search(r"transform of a record +mean 37 ms, p50 [12]\S* ms, p95 [12].* ms, p99 .* ms, max 3.00 s", table)
    assert re.search(r"insert batch +mean 40 ms, p50 40 ms", table)
    assert re.search(r"busy +reader 0%, workers 75%, writer 0%", table)
    assert re.search(r"slowest record +3.00 s: 1000050", table)


def test_warnings_of_the_batches_add_up_and_their_marks_join() -> None:
    measured = BatchStats(warnings={"truncated t.a": 1}, marks=0b1)  # of an attempt; the line knows all of them
    lines = [
        line(0, stats=measured.to_json(), warnings={"truncated t.a": 3}, marks="3"),
        line(1, warnings={"truncated t.a": 1, "unknown t.b": 2}, marks=None),
        line(2, "dry_run", stats=BatchStats(warnings={"unknown t.b": 1}, marks=0b1000).to_json()),
    ]
    summary = judge(plan(3), lines, EngineSettings(), mark_names=("t.a", "t.b", "t.c", "t.d"))
    assert summary.to_json()["warnings"] == {"truncated t.a": 4, "unknown t.b": 3}
    assert summary.to_json()["empty_in_every_record"] == ["t.c"]
    assert "warning truncated t.a" in summary.table()
    assert re.search(r"empty in every record written +1: t\.c", summary.table())


def test_a_run_that_wrote_nothing_names_no_empty_field() -> None:
    summary = judge(plan(1), [line(0, written=0, rejected=5)], EngineSettings(), mark_names=("t.a",))
    assert summary.empty_in_every_record == ()
    assert "empty in every" not in summary.table()


def test_marks_of_another_mapping_than_the_pipelines_name_nothing() -> None:
    def empty(*prints: str) -> tuple[str, ...]:
        lines = [line(index, marks="1", fingerprint=one) for index, one in enumerate(prints)]
        return judge(
            plan(2), lines, EngineSettings(), mark_names=("t.a", "t.b"), fingerprint="now"
        ).empty_in_every_record

    assert empty("now", "now") == ("t.b",)
    assert empty("now", "before") == ()
