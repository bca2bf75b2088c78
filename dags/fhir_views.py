"""### FHIR resources, through SQL-on-FHIR views, to typed tables.

Reads the resources of a FHIR R4 server whose types the views name, flattens each by all views of its type, and
replaces its rows in their tables, exactly once. `plan` splits by type and time of change (or has the server export),
`load` works one slice a mapped task, `summarize` compares what was planned with what was settled.

* **What does a run read?** What changed since the last successful run, by the server's clock and with an overlap; the
  first run, and one with `force`, read everything. `window_start` and `window_end`, or a backfill, read a period again
  and leave the watermark alone.
* **Deleted resources?** Only an export names them: `read_from: export` removes their rows.
* **A view has changed?** The next run reads the types that it concerns again; or, with `when_views_change: rebuild`,
  builds their rows from what `kept_folder` has.
* **A batch failed, or records were rejected?** Open the `load` task: its message names the cause. Rejects stand in
  `headrace_rejects`, by key and cause; trigger with `open_rejects_only` when it is mended.

Settings: the form below, then the Variable `headrace_fhir_views` (a JSON object), then defaults. Connections:
`headrace_warehouse`, `headrace_fhir`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, CronTriggerTimetable

from include.pipelines.fhir.settings import FhirViewSettings
from plugins.operators.fhir_to_sql import FhirPlanOperator, FhirSummarizeOperator, FhirToSqlOperator
from plugins.operators.settings import params_of

with DAG(
    dag_id="fhir_views",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    params=params_of(FhirViewSettings),
    tags=["headrace", "fhir"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
) as dag:
    # An export is waited for here: a server may take half a day, and a retry goes on with the same one.
    plan = FhirPlanOperator(task_id="plan", execution_timeout=timedelta(hours=18))
    load = FhirToSqlOperator.partial(
        task_id="load", pool="fhir_views", map_index_template="{{ label }}", execution_timeout=timedelta(hours=2)
    ).expand(batch=plan.output)
    summarize = FhirSummarizeOperator(task_id="summarize", outlets=[Asset("headrace://fhir_views")])
    load >> summarize
