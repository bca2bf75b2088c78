"""Backfill, reprocess, clear and manual runs give the tables of one clean run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from include.pipelines.xml.language.files import CONTRACT_FOLDER
from include.sandbox.lending import FIRST_KEY, write_sample
from include.warehouse.window import Window
from tests.fixtures.clean_run import clean_xml_run
from tests.fixtures.tables import assert_every_record_settled_once, contents, one, rows
from tests.integration.conftest import Site

pytestmark = pytest.mark.scheduler

DOCUMENTS = 300


def spread_over_days(source: Path, first_day: int, days: int) -> None:
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(
            "UPDATE app_xml SET changed_at = printf('2026-01-%02d 12:00:00.000000', ? + app_id % ?)", (first_day, days)
        )


def newest_cycles(site: Site) -> set[int]:
    return {cycle for (cycle,) in rows(site.warehouse, "SELECT DISTINCT cycle_id FROM headrace_records")}


def test_a_backfill_and_its_reprocess_give_the_tables_of_a_clean_run(fresh: Site, tmp_path: Path) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000, broken_share=0.02)
    spread_over_days(fresh.source, 9, 7)
    airflow = fresh.airflow
    airflow.unpause("xml_records")

    airflow.backfill("xml_records", "2026-01-11T00:00:00Z", "2026-01-13T23:00:00Z")

    runs = airflow.backfill_runs("xml_records")
    assert [run["state"] for run in runs] == ["success"] * 3
    window = Window(
        min(datetime.fromisoformat(run["data_interval_start"]) for run in runs),
        max(datetime.fromisoformat(run["data_interval_end"]) for run in runs),
    )
    assert (window.end - window.start).days == 3
    clean = clean_xml_run(fresh.source, tmp_path / "clean.db", window)
    assert 0 < len(clean["app_base"]) < DOCUMENTS / 2
    assert contents(fresh.warehouse) == clean

    before = newest_cycles(fresh)
    airflow.backfill("xml_records", "2026-01-11T00:00:00Z", "2026-01-13T23:00:00Z", reprocess="completed")

    assert [run["state"] for run in airflow.backfill_runs("xml_records")] == ["success"] * 3
    after = newest_cycles(fresh)
    assert min(after) > max(before), "every record was redone"
    assert contents(fresh.warehouse) == clean
    assert_every_record_settled_once(
        fresh.warehouse, "xml_records", one(fresh.warehouse, "SELECT count(*) FROM headrace_records")
    )


def changed_contract() -> dict[str, object]:
    """Without liabilities, and with another meaning of one column."""
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text())
    contract["tables"] = [table for table in contract["tables"] if table["name"] != "app_liability"]
    contacts = next(table for table in contract["tables"] if table["name"] == "app_contact")
    title = next(column for column in contacts["columns"] if column["name"] == "title")
    title["path"] = "@role"
    return dict(contract)


def test_a_cleared_batch_is_redone_by_the_contract_of_today(fresh: Site, tmp_path: Path) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=12_000)
    airflow = fresh.airflow
    airflow.unpause("xml_records")
    run_id = airflow.trigger("xml_records", {"batch_size": 100})
    assert airflow.finished("xml_records", run_id)["state"] == "success"
    old = clean_xml_run(fresh.source, tmp_path / "old.db")
    assert contents(fresh.warehouse) == old
    assert old["app_liability"]

    (fresh.contracts / "lending.json").write_text(json.dumps(changed_contract()))
    airflow.clear("xml_records", run_id, [["load", 1]], include_downstream=True)
    assert airflow.finished("xml_records", run_id)["state"] == "success"

    new = clean_xml_run(fresh.source, tmp_path / "new.db", contract_folder=fresh.contracts)
    redone = range(FIRST_KEY + 100, FIRST_KEY + 200)
    held = contents(fresh.warehouse)
    for table, found in held.items():
        expected = [row for row in old[table] if row[0] not in redone]
        expected += [row for row in new.get(table, []) if row[0] in redone]
        assert found == sorted(expected, key=repr), table
    assert not [row for row in held["app_liability"] if row[0] in redone], "rows of the old contract are gone"


def test_a_manual_run_without_a_logical_date_reads_everything_and_says_so(fresh: Site, tmp_path: Path) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000, broken_share=0.02)
    airflow = fresh.airflow
    airflow.unpause("xml_records")

    run_id = airflow.trigger("xml_records", logical_date=None)

    assert airflow.finished("xml_records", run_id)["state"] == "success"
    assert contents(fresh.warehouse) == clean_xml_run(fresh.source, tmp_path / "clean.db")
    assert_every_record_settled_once(fresh.warehouse, "xml_records", DOCUMENTS)
    assert "of all change dates" in airflow.task_log("xml_records", run_id, "plan")


def test_an_unknown_conf_key_fails_the_plan_without_a_retry(fresh: Site) -> None:
    airflow = fresh.airflow
    airflow.unpause("xml_records")

    run_id = airflow.trigger("xml_records", {"batchsize": 5})

    assert airflow.finished("xml_records", run_id)["state"] == "failed"
    plan = next(task for task in airflow.tasks("xml_records", run_id) if task["task_id"] == "plan")
    assert (plan["state"], plan["try_number"]) == ("failed", 1)
    assert "unknown in the run's conf: batchsize" in airflow.task_log("xml_records", run_id, "plan")


def test_too_many_rejects_fail_the_batch_without_a_retry_and_the_run_names_it(fresh: Site) -> None:
    write_sample(fresh.source, DOCUMENTS, size_bytes=4000, broken_share=0.1)
    airflow = fresh.airflow
    airflow.unpause("xml_records")

    run_id = airflow.trigger("xml_records", {"batch_size": DOCUMENTS, "max_rejects": 5})

    assert airflow.finished("xml_records", run_id)["state"] == "failed"
    tries = {task["task_id"]: task["try_number"] for task in airflow.tasks("xml_records", run_id)}
    assert tries == {"plan": 1, "load": 1, "summarize": 1}
    assert "1 batches failed: 0" in airflow.task_log("xml_records", run_id, "summarize")
