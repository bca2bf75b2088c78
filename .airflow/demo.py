"""`make demo`: 2,000 generated loan applications through the Dag `xml_records`, in real Airflow, into SQLite.

Started by `.airflow/with`, which holds the settings. The Dag's tasks run one after the other in this process
(`dag.test()`); `make up` runs the same Dag under a scheduler, and shows this run too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from home_lock import HomeInUse, hold

from include.engine.stats import RunStats
from include.sandbox.lending import write_sample
from include.warehouse.tables import rejects, runs, target_tables

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ["HEADRACE_HOME"])
LOG = HOME / "demo.log"
WAREHOUSE = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_WAREHOUSE"])["host"])
SOURCE = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_SOURCE"])["host"])

DAG_ID = "xml_records"
DOCUMENTS = 2_000
DOCUMENT_BYTES = 10_000
BROKEN_SHARE = 0.02
BATCH_SIZE = 250
WINDOW = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2025-02-01T00:00:00Z"}
"""The generated change dates; without it the run would read yesterday only."""


def say(text: str = "") -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def output_to_log() -> Iterator[None]:
    """Sends what any library prints to the log: hence the descriptors, not `sys.stdout`."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with LOG.open("ab") as log:
        try:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in enumerate(kept, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)


def run_dag() -> tuple[str, str]:
    """Run id and end state; `force` loads all of it again when the demo runs a second time."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - Airflow logs from its first import on

    dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[DAG_ID]
    # Never `logical_date=None`: `dag.test` would first clear the tasks of every run that the Dag ever had.
    run = dag.test(run_conf={"batch_size": BATCH_SIZE, "force": True, **WINDOW})
    return run.run_id, str(run.state)


def report(run_id: str) -> None:
    """The run as the warehouse's own ledger tells it."""
    engine = sa.create_engine(f"sqlite:///{WAREHOUSE}")
    with engine.connect() as connection:
        mine = sa.and_(runs.c.dag_id == DAG_ID, runs.c.run_id == run_id)
        summary = json.loads(connection.scalars(sa.select(runs.c.summary).where(mine)).one())
        names = connection.scalars(
            sa.select(target_tables.c.table_name)
            .where(target_tables.c.pipeline == DAG_ID)
            .order_by(target_tables.c.table_name)
        ).all()
        rows = {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in names}
        open_rejects = connection.execute(
            sa.select(rejects.c.code, sa.func.count())
            .where(rejects.c.pipeline == DAG_ID, rejects.c.resolved_at.is_(None))
            .group_by(rejects.c.code)
            .order_by(rejects.c.code)
        ).all()
    show_counters(RunStats.from_json(summary["stats"]))
    show_table("Rows in the warehouse", rows.items())
    show_table("Open rejects, by code", [(code, count) for code, count in open_rejects])


def show_counters(run: RunStats) -> None:
    """Counts of the run, its rate, and what a record took."""
    counters = run.counters
    latency = run.transform_latency
    counts = {
        "batches": run.batches,
        "read": counters.records_read,
        "written": counters.records_written,
        "rejected": counters.records_rejected,
        "skipped": counters.records_skipped,
        "resumed": counters.records_resumed,
        "rows written": counters.rows_written,
    }
    show_table("Records of the run", counts.items())
    say(f"  {'records a second':<24}{run.records_per_s():>10,.0f}")
    for share in (0.5, 0.95):
        say(f"  {f'ms a record, p{share * 100:.0f}':<24}{latency.quantile(share) * 1000:>10.2f}")


def show_table(title: str, lines: Iterable[tuple[str, int]]) -> None:
    """A title and its counts, in one column."""
    say()
    say(title)
    for name, count in lines:
        say(f"  {name:<24}{count:>10,}")


def causes() -> list[str]:
    """The exceptions that the log names, each once, the first one first."""
    lines = LOG.read_text(errors="replace").splitlines()
    return list(dict.fromkeys(line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)))


def main() -> int:
    """Exit code: 0 when the run succeeded."""
    started = time.monotonic()
    say(f"Generating {DOCUMENTS:,} loan applications into {SOURCE}")
    sample = write_sample(SOURCE, DOCUMENTS, size_bytes=DOCUMENT_BYTES, broken_share=BROKEN_SHARE)
    say(f"  {sample.documents:,} documents, {sample.total_bytes / 1e6:.1f} MB, {sample.broken} broken on purpose")
    say(f"Running {DAG_ID} in Airflow; its log goes to {LOG}")
    LOG.unlink(missing_ok=True)
    try:
        with output_to_log():
            subprocess.run(["sh", HERE / "init.sh"], check=True)
            run_id, state = run_dag()
    except Exception as error:  # noqa: BLE001 - the log holds the traceback; the person is told where
        run_id, state = "", f"{type(error).__name__}: {error}"
    if state != "success":
        say("\n".join(causes()))
        say(f"The run {run_id} did not succeed ({state}); the whole log is {LOG}")
        return 1
    report(run_id)
    say()
    say(f"Run {run_id} in {time.monotonic() - started:.0f} s. Look at")
    say(f"  the tables         sqlite3 {WAREHOUSE}")
    say("  the rejects        SELECT record_key, code, message FROM headrace_rejects WHERE resolved_at IS NULL;")
    say("  the run in the UI  make up")
    return 0


if __name__ == "__main__":
    try:
        with hold(HOME):
            sys.exit(main())
    except HomeInUse as busy:
        sys.exit(str(busy))
