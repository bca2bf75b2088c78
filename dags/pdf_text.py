"""### PDF documents, to the text of their pages.

Reads the documents of a manifest (JSON or NDJSON), or those that arrived in a folder, on disk or in S3, and replaces
their text in the tables `documents` and `document_pages`, exactly once. `plan` checks the whole manifest and pins a
copy of it, `load` reads one batch a mapped task, each document in a worker process that may be killed over it,
`summarize` compares what was planned with what was settled and tells documents an hour and pages a second.

* **What is read?** `manifest`: a manifest is read whole. Of a folder (`s3://bucket/incoming/`) a scheduled run reads
  what arrived in its day, a run by hand the 24 hours before its logical date, one without a logical date everything.
* **Again?** A document is skipped as `unchanged` where its bytes, its entry and the settings that decide its text are
  those of its last run, unless `force`. What the network, throttling or a killed worker stopped is tried again, with
  bounds.
* **Documents were rejected?** They stand in `headrace_rejects` with class and cause. Mend them, then trigger this Dag
  with `open_rejects_only` and the same `manifest`.
* **A period again?** `airflow backfill create --dag-id pdf_text --from-date … --to-date …
  --reprocess-behavior completed`.
* **Pages without text?** `needs_ocr pages` in the log of `summarize` counts them; `document_pages.source` names them.

Settings: the form below, then the Variable `headrace_pdf_text` (a JSON object; at least `roots` or `s3_conn_id` and
`s3_prefixes`, and `work_folder`), then defaults. Connections: `headrace_warehouse`, and that of `s3_conn_id`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, CronTriggerTimetable

from include.pipelines.pdf.settings import PdfSettings
from plugins.operators.pdf_to_sql import PdfPlanOperator, PdfSummarizeOperator, PdfToSqlOperator
from plugins.operators.settings import params_of

with DAG(
    dag_id="pdf_text",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    params=params_of(PdfSettings),
    tags=["headrace", "pdf"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
) as dag:
    plan = PdfPlanOperator(task_id="plan", execution_timeout=timedelta(hours=1))
    load = PdfToSqlOperator.partial(
        task_id="load", pool="pdf_workers", map_index_template="{{ label }}", execution_timeout=timedelta(hours=12)
    ).expand(batch=plan.output)
    summarize = PdfSummarizeOperator(task_id="summarize", outlets=[Asset("headrace://pdf_text")])
    load >> summarize
