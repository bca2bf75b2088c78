"""`make demo`: every pipeline on generated records, through its Dag in real Airflow, into SQLite.

Started by `.airflow/with`, which holds the settings. The Dags' tasks run one after the other in this process
(`dag.test()`); `make up` runs the same Dags under a scheduler, and shows these runs too. The servers that some Dags
read are real ones on loopback, which end with their run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo_output import HOME, LOG, output_to_log, say
from demo_report import report
from demo_sources import SOURCES
from home_lock import HomeInUse, hold

HERE = Path(__file__).resolve().parent
WAREHOUSE = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_WAREHOUSE"])["host"])


class DemoFailed(Exception):
    """A run did not succeed; its message says which, and where its log is."""


def run_dag(dag_id: str, conf: Mapping[str, Any]) -> str:
    """Run id of a run that succeeded; `force` loads all of it again when the demo runs a second time.

    Raises `DemoFailed`.
    """
    say(f"Running {dag_id} in Airflow; its log goes to {LOG}")
    run_id, state = "", ""
    try:
        with output_to_log():
            from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - Airflow logs from its first import on

            dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags[dag_id]
            # Never `logical_date=None`: `dag.test` would first clear the tasks of every run that the Dag ever had.
            run = dag.test(run_conf={"force": True, **conf})
            run_id, state = run.run_id, str(run.state)
    except Exception as error:  # noqa: BLE001 - the log holds the traceback; the person is told where
        state = f"{type(error).__name__}: {error}"
    if state != "success":
        raise DemoFailed("\n".join([*causes(), f"The run {run_id} of {dag_id} did not succeed ({state})"]))
    return run_id


def causes() -> list[str]:
    """The exceptions that the log names, each once, the first one first."""
    lines = LOG.read_text(errors="replace").splitlines()
    return list(dict.fromkeys(line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)))


def main() -> int:
    """Exit code: 0 when all runs succeeded."""
    started = time.monotonic()
    LOG.unlink(missing_ok=True)
    try:
        with output_to_log():
            subprocess.run(["sh", HERE / "init.sh"], check=True)
        for dag_id, source in SOURCES.items():
            with source() as conf:
                report(WAREHOUSE, dag_id, run_dag(dag_id, conf))
            say()
    except (DemoFailed, OSError, RuntimeError, subprocess.CalledProcessError) as failed:
        say(str(failed))
        say(f"The demo did not succeed; the log is {LOG}")
        return 1
    say(f"{len(SOURCES)} runs in {time.monotonic() - started:.0f} s. Look at")
    say(f"  the tables         sqlite3 {WAREHOUSE}")
    say("  the rejects        SELECT record_key, code, message FROM headrace_rejects WHERE resolved_at IS NULL;")
    say("  a text             SELECT text FROM document_pages WHERE source = 'text' LIMIT 1;")
    say("  an e-mail          SELECT email_body FROM enriched_rows LIMIT 1;")
    say("  the runs in the UI make up")
    return 0


if __name__ == "__main__":
    try:
        with hold(HOME):
            sys.exit(main())
    except HomeInUse as busy:
        sys.exit(str(busy))
