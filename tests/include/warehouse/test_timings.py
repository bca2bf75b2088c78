from __future__ import annotations

import json

import pytest

from include.engine.histogram import RELATIVE_ERROR, Histogram
from include.engine.model import KeyTiming
from include.engine.stats import BatchStats, Counters, RunStats
from include.warehouse.timings import timing_lines, timings

WHOLE = range(1, 101)


def part(numbers: range) -> BatchStats:
    """A batch whose records took as many milliseconds as their numbers say."""
    durations_s = [number / 1000 for number in numbers]
    return BatchStats(
        counters=Counters(records_written=len(durations_s)),
        transform_latency=Histogram.of(durations_s),
        insert_latency=Histogram.of([2.0]),
        measured_s=10.0,
        reader_busy_s=1.0,
        worker_busy_s=[8.0, 6.0],
        writer_busy_s=2.0,
        slowest=[KeyTiming(durations_s[-1], f"k{numbers[-1]}")],
    )


def test_the_percentiles_of_a_run_are_those_of_its_records_whatever_batch_they_were_in() -> None:
    found = timings(RunStats.of([part(WHOLE[::2]), part(WHOLE[1::2])]))
    records = found["transform_of_a_record"]
    assert records["mean_s"] == pytest.approx(0.0505)
    for name, exact in (("p50_s", 0.050), ("p95_s", 0.095), ("p99_s", 0.099)):
        assert records[name] == pytest.approx(exact, rel=RELATIVE_ERROR)
    assert records["max_s"] == 0.1
    assert found["insert_batch"]["p99_s"] == pytest.approx(2.0, rel=RELATIVE_ERROR)
    assert found["busy_shares"] == {"reader": 0.1, "workers": 0.7, "writer": 0.2}
    assert found["slowest"] == [["k100", 0.1], ["k99", 0.099]]


def test_what_was_not_measured_is_left_out() -> None:
    assert timings(RunStats()) == {}
    assert list(timing_lines(RunStats())) == []


def test_a_log_has_a_line_for_each_and_no_key_breaks_one() -> None:
    slow = BatchStats(measured_s=4.0, writer_busy_s=1.0, slowest=[KeyTiming(1234.5, "a\nb"), KeyTiming(0.5, 7)])
    slow.transform_latency = Histogram.of([0.25])
    assert list(timing_lines(RunStats.of([slow]))) == [
        ("transform of a record", "mean 250 ms, p50 250 ms, p95 250 ms, p99 250 ms, max 250 ms"),
        ("busy", "reader 0%, workers 0%, writer 25%"),
        ("slowest record", r"1,234.50 s: 'a\nb'"),
        ("slowest record", "500 ms: 7"),
    ]


def test_what_a_run_returns_of_its_timings_is_small() -> None:
    run = RunStats.of(part(WHOLE) for _ in range(1000))
    assert len(json.dumps(timings(run))) < 700
