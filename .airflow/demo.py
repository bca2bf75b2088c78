"""`make demo`: 2,000 generated loan applications and 40 PDF documents through their Dags, in real Airflow, into SQLite.

Started by `.airflow/with`, which holds the settings. The Dags' tasks run one after the other in this process
(`dag.test()`); `make up` runs the same Dags under a scheduler, and shows these runs too.
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
from include.sandbox.documents import write_documents
from include.sandbox.lending import write_sample
from include.warehouse.tables import rejects, runs, target_tables

HERE = Path(__file__).resolve().parent
HOME = Path(os.environ["HEADRACE_HOME"])
LOG = HOME / "demo.log"
WAREHOUSE = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_WAREHOUSE"])["host"])
SOURCE = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_SOURCE"])["host"])

DOCUMENTS = 2_000
DOCUMENT_BYTES = 10_000
BROKEN_SHARE = 0.02
WINDOW = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2025-02-01T00:00:00Z"}
"""The generated change dates; without it the run would read yesterday only."""

PDF_FOLDER, PDF_WORK_FOLDER = HOME / "documents", HOME / "work"
PDF_DOCUMENTS, PDF_BROKEN = 40, 2

RUNS: dict[str, dict[str, object]] = {
    "xml_records": {"batch_size": 250, **WINDOW},
    "pdf_text": {"batch_size": 20, "workers": 2},
}
"""Each Dag with its Params."""


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


def run_dag(dag_id: str) -> tuple[str, str]:
    """Run id and end state; `force` loads all of it again when the demo runs a second time."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - Airflow logs from its first import on

    dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[dag_id]
    # Never `logical_date=None`: `dag.test` would first clear the tasks of every run that the Dag ever had.
    run = dag.test(run_conf={"force": True, **RUNS[dag_id]})
    return run.run_id, str(run.state)


def report(dag_id: str, run_id: str) -> None:
    """The run as the warehouse's own ledger tells it."""
    engine = sa.create_engine(f"sqlite:///{WAREHOUSE}")
    with engine.connect() as connection:
        mine = sa.and_(runs.c.dag_id == dag_id, runs.c.run_id == run_id)
        summary = json.loads(connection.scalars(sa.select(runs.c.summary).where(mine)).one())
        names = connection.scalars(
            sa.select(target_tables.c.table_name)
            .where(target_tables.c.pipeline == dag_id)
            .order_by(target_tables.c.table_name)
        ).all()
        rows = {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) for name in names}
        open_rejects = connection.execute(
            sa.select(rejects.c.code, sa.func.count())
            .where(rejects.c.pipeline == dag_id, rejects.c.resolved_at.is_(None))
            .group_by(rejects.c.code)
            .order_by(rejects.c.code)
        ).all()
    stats = RunStats.from_json(summary["stats"])
    show_counters(stats)
    if dag_id == "pdf_text":
        show_table("Pages that are pictures", [(name, count) for name, count in sorted(stats.warnings.items())])
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


def generate() -> None:
    """What the two Dags read, and where the second one may find it."""
    say(f"Generating {DOCUMENTS:,} loan applications into {SOURCE}")
    sample = write_sample(SOURCE, DOCUMENTS, size_bytes=DOCUMENT_BYTES, broken_share=BROKEN_SHARE)
    say(f"  {sample.documents:,} documents, {sample.total_bytes / 1e6:.1f} MB, {sample.broken} broken on purpose")
    say(f"Generating {PDF_DOCUMENTS} PDF documents into {PDF_FOLDER}")
    pdf = write_documents(PDF_FOLDER, PDF_DOCUMENTS, broken=PDF_BROKEN)
    say(f"  {pdf.pages} pages, {pdf.scanned} of them scanned, {pdf.broken} documents broken on purpose")
    PDF_WORK_FOLDER.mkdir(exist_ok=True)
    settings = {"roots": [str(PDF_FOLDER)], "work_folder": str(PDF_WORK_FOLDER)}
    os.environ["AIRFLOW_VAR_HEADRACE_PDF_TEXT"] = json.dumps(settings)


def run_and_tell(number: int, dag_id: str) -> bool:
    """Run a Dag, the first one in an Airflow that is prepared before, and tell how it went; False: no success."""
    say()
    say(f"Running {dag_id} in Airflow; its log goes to {LOG}")
    try:
        with output_to_log():
            if not number:
                subprocess.run(["sh", HERE / "init.sh"], check=True)
            run_id, state = run_dag(dag_id)
    except Exception as error:  # noqa: BLE001 - the log holds the traceback; the person is told where
        run_id, state = "", f"{type(error).__name__}: {error}"
    if state != "success":
        say("\n".join(causes()))
        say(f"The run {run_id} did not succeed ({state}); the whole log is {LOG}")
        return False
    report(dag_id, run_id)
    return True


def main() -> int:
    """Exit code: 0 when both runs succeeded."""
    started = time.monotonic()
    generate()
    LOG.unlink(missing_ok=True)
    if not all(run_and_tell(number, dag_id) for number, dag_id in enumerate(RUNS)):
        return 1
    say()
    say(f"Both runs in {time.monotonic() - started:.0f} s. Look at")
    say(f"  the tables         sqlite3 {WAREHOUSE}")
    say("  the rejects        SELECT record_key, code, message FROM headrace_rejects WHERE resolved_at IS NULL;")
    say("  a text             SELECT text FROM document_pages WHERE source = 'text' LIMIT 1;")
    say("  the runs in the UI make up")
    return 0


if __name__ == "__main__":
    try:
        with hold(HOME):
            sys.exit(main())
    except HomeInUse as busy:
        sys.exit(str(busy))
