from __future__ import annotations

import json

import pytest

from include.engine.histogram import Histogram
from include.engine.model import KeyTiming
from include.engine.samples import MAX_SAMPLES, Samples
from include.engine.stats import BatchStats, Counters, RunStats


def batch(index: int = 0, **counters: float) -> BatchStats:
    return BatchStats(
        index=index,
        planned_records=10,
        counters=Counters(**counters),  # type: ignore[arg-type]
        transform_latency=Histogram.of([0.125 * (index + 1)]),
        reader_busy_s=1,
        worker_busy_s=[2.0, 4.0],
        writer_busy_s=2.5,
        queue_peak=index,
        rejected_by_code={"a.b": index},
        warnings={"truncated t.name": index},
        marks=1 << 80 | 1 << index,
        slowest=[KeyTiming(float(index), f"k{index}")],
        queue_depth=Samples(values=[1, 2], peak=7),
    )


def test_batches_add_up_to_their_run() -> None:
    run = RunStats.of(batch(index, records_read=10, records_written=9, wall_s=2.0) for index in range(7))
    assert run.batches == 7
    assert run.counters == Counters(records_read=70, records_written=63, wall_s=14.0)
    assert run.transform_latency.count == 7
    assert run.rejected_by_code == {"a.b": 21}
    assert run.warnings == {"truncated t.name": 21}
    assert run.marks == 1 << 80 | 0b111_1111
    assert [timing.key for timing in run.slowest] == ["k6", "k5", "k4", "k3", "k2"]
    assert run.queue_peak == 6
    assert run.worker_busy_s == [14.0, 28.0]


def test_sum_works_on_batches_runs_and_counters() -> None:
    batches = [batch(index, records_read=1) for index in range(3)]
    assert sum(batches) == RunStats.of(batches)
    assert sum([RunStats.of(batches[:1]), RunStats.of(batches[1:])]) == RunStats.of(batches)
    assert sum([Counters(retries=1), Counters(retries=2)]) == Counters(retries=3)


def test_statistics_survive_json_as_plain_dicts() -> None:
    stats = batch(4, records_read=5, insert_s=0.25)
    assert BatchStats.from_json(json.loads(json.dumps(stats.to_json()))) == stats
    run = RunStats.of([stats])
    assert RunStats.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_marks_are_text_in_json_where_numbers_end_at_53_bits() -> None:
    assert batch(4).to_json()["marks"] == f"{1 << 80 | 16:x}"
    assert BatchStats.from_json({"index": 1}).marks == 0


def test_a_line_of_an_older_release_reads_with_zeros() -> None:
    assert BatchStats.from_json({"index": 2, "counters": {"records_read": 3}}).counters.records_read == 3


def test_busy_shares_name_the_bottleneck_by_the_mean_of_the_workers() -> None:
    stats = batch(wall_s=5.0)
    assert stats.busy_shares == {"reader": 0.2, "workers": pytest.approx(0.6), "writer": 0.5}
    assert stats.bottleneck == "workers"
    stats.writer_busy_s = 4.5
    assert stats.bottleneck == "writer"


def test_the_rate_of_a_run_is_by_its_duration_not_by_the_sum_of_its_batches() -> None:
    run = RunStats.of([batch(records_written=50, wall_s=10.0), batch(1, records_written=50, wall_s=10.0)])
    assert run.records_per_s() == pytest.approx(5)
    assert run.records_per_s(elapsed_s=10) == pytest.approx(10)
    assert BatchStats().records_per_s() == 0


def test_samples_keep_the_whole_time_at_half_the_resolution_when_full() -> None:
    samples = Samples(interval_s=1)
    for second in range(1000):
        samples.offer(float(second), second)
    assert len(samples.values) < MAX_SAMPLES
    assert samples.values == [number * int(samples.interval_s) for number in range(len(samples.values))]
    assert samples.values[-1] > 900
    assert samples.peak == 999


def test_busy_shares_are_of_the_time_that_was_measured_and_not_of_attempts_that_left_no_measures() -> None:
    killed_before = BatchStats(counters=Counters(wall_s=100.0), measured_s=10.0, reader_busy_s=5.0)
    assert killed_before.busy_shares["reader"] == 0.5
    assert (killed_before + killed_before).busy_shares["reader"] == 0.5
