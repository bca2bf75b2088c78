"""The XML pipeline under a real scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from include.sandbox.lending import write_sample
from tests.fixtures.tables import assert_every_record_settled_once, contents, one
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

POOL_SLOTS = 3
"""Fewer than the tasks that this Airflow runs at once, so that the pool is what bounds."""
ALL_2025 = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2026-01-01T00:00:00Z"}


def most_at_once(spans: list[tuple[datetime, datetime]]) -> int:
    moments = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    running = most = 0
    for _, step in moments:
        running += step
        most = max(most, running)
    return most


@pytest.fixture
def small_pool(fresh: Site) -> Iterator[None]:
    slots = fresh.airflow.pool_slots("xml_records")
    fresh.airflow.resize_pool("xml_records", POOL_SLOTS)
    yield
    fresh.airflow.resize_pool("xml_records", slots)


@pytest.mark.usefixtures("small_pool")
def test_twenty_batches_overlap_within_the_pool_and_the_summary_equals_the_tables(fresh: Site) -> None:
    assert int(fresh.airflow.env["AIRFLOW__CORE__PARALLELISM"]) > POOL_SLOTS
    sample = write_sample(fresh.source, 2000, size_bytes=4000, broken_share=0.02)
    fresh.airflow.unpause("xml_records")
    run_id = fresh.airflow.trigger("xml_records", {"batch_size": 100, **ALL_2025})

    run = fresh.airflow.finished("xml_records", run_id)

    tasks = fresh.airflow.tasks("xml_records", run_id)
    assert run["state"] == "success", tasks
    loads = [task for task in tasks if task["task_id"] == "load"]
    assert len(loads) == 20
    spans = [(datetime.fromisoformat(t["start_date"]), datetime.fromisoformat(t["end_date"])) for t in loads]
    assert 1 < most_at_once(spans) <= POOL_SLOTS
    assert {task["rendered_map_index"] for task in loads} >= {"0: … to 1000101"}

    summary = fresh.airflow.xcom("xml_records", run_id, "summarize")
    held = {name: len(rows) for name, rows in contents(fresh.warehouse).items()}
    assert summary["rows_written"] == sum(held.values())
    assert summary["records_written"] == held["app_base"] == 2000 - sample.broken
    assert summary["records_rejected"] == sample.broken == one(fresh.warehouse, "SELECT count(*) FROM headrace_rejects")
    assert_every_record_settled_once(fresh.warehouse, "xml_records", 2000)
