"""### Rows of CSV and Excel files, enriched through web APIs.

Researches the company of each row with a search API, has a language model write a text for it, and renders the file
again in its own order with the generated columns and an `error` column. `plan` checks files, columns, template and
services before any call, `load` works one batch of rows a mapped task, `merge` renders each file, `summarize` compares
what was planned with what was settled.

* **What is read?** `file`; or, without one, the files that arrived in the inbox in the run's day (by hand: in the 24
  hours before its logical date, without a logical date all of them).
* **What will it cost?** `dry_run` makes no call: the log of `plan` estimates calls, tokens, cost and minutes.
* **Again?** What was paid for is in the answer store: a retry, a rerun and a changed file pay for what is new only.
  Rows whose fields and settings have not changed are skipped. `force` pays again.
* **Rows failed?** Each has its error in the file and in `headrace_rejects`. Trigger with `open_rejects_only`: failed
  rows are tried again, and their files rendered anew.
* **A batch failed?** Its file is not rendered, the others are. Clear that `load` task with its downstream tasks.

Settings: the form below, then the Variable `headrace_csv_enrichment` (a JSON object; at least `roots` or `s3_conn_id`
and `s3_prefixes`, and `output_folder`), then defaults. Connections: `headrace_warehouse`, `headrace_research`,
`headrace_email`, and that of `s3_conn_id`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, CronTriggerTimetable

from include.pipelines.csv.settings import CsvSettings
from plugins.operators.csv_enrichment import (
    CsvEnrichmentOperator,
    CsvMergeOperator,
    CsvPlanOperator,
    CsvSummarizeOperator,
)
from plugins.operators.settings import params_of

with DAG(
    dag_id="csv_enrichment",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 4 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    params=params_of(CsvSettings),
    tags=["headrace", "csv"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
) as dag:
    plan = CsvPlanOperator(task_id="plan", execution_timeout=timedelta(hours=1))
    load = CsvEnrichmentOperator.partial(
        task_id="load", pool="research_api", map_index_template="{{ label }}", execution_timeout=timedelta(hours=24)
    ).expand(batch=plan.output)
    merge = CsvMergeOperator(task_id="merge", execution_timeout=timedelta(hours=2))
    summarize = CsvSummarizeOperator(task_id="summarize", outlets=[Asset("headrace://csv_enrichment")])
    load >> merge >> summarize
