"""A pool that does not exist leaves its tasks scheduled for ever, with no more than a line in the scheduler's log."""

from __future__ import annotations

import json
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

ROOT = Path(__file__).resolve().parents[1]


def test_every_pool_that_a_dag_names_is_imported_at_start() -> None:
    bag = DagBag(ROOT / "dags")
    assert bag.import_errors == {}
    named = {task.pool for dag in bag.dags.values() for task in dag.tasks} - {"default_pool"}
    assert named
    assert named == set(json.loads((ROOT / ".airflow" / "pools.json").read_text()))


def test_every_pool_has_slots_and_says_what_they_bound() -> None:
    for name, pool in json.loads((ROOT / ".airflow" / "pools.json").read_text()).items():
        assert 1 <= pool["slots"] <= 64, name
        assert len(pool["description"]) > 20, name
