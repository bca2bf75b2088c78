"""### XML documents in a table, to relational tables.

Reads XML documents (default table `app_xml`: `app_id`, `xml`) in key order, maps each by the contract and replaces
its rows in the target tables, exactly once. `plan` splits the keys, `load` works one batch a mapped task,
`summarize` compares what was planned with what was settled.

* **A batch failed?** Open its `load` task: the message names the cause. Fix it and clear that task: it redoes just
  that batch. A retry by Airflow itself resumes after the last commit instead.
* **Records were rejected?** They stand in `headrace_rejects` with class and place. Fix the cause, then trigger this
  Dag with `open_rejects_only`.
* **A period again?** `airflow backfill create --dag-id xml_records --from-date … --to-date …
  --reprocess-behavior completed`.

Settings: the form below, then the Variable `headrace_xml_records` (a JSON object), then defaults. Connections:
`headrace_warehouse`, `headrace_source`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, CronTriggerTimetable

from include.pipelines.xml.settings import XmlSettings
from plugins.operators.settings import params_of
from plugins.operators.xml_to_sql import XmlPlanOperator, XmlSummarizeOperator, XmlToSqlOperator

with DAG(
    dag_id="xml_records",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    max_active_runs=1,
    params=params_of(XmlSettings),
    tags=["headrace", "xml"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
) as dag:
    plan = XmlPlanOperator(task_id="plan", execution_timeout=timedelta(minutes=10))
    load = XmlToSqlOperator.partial(
        task_id="load", pool="xml_records", map_index_template="{{ label }}", execution_timeout=timedelta(hours=2)
    ).expand(batch=plan.output)
    summarize = XmlSummarizeOperator(task_id="summarize", outlets=[Asset("headrace://xml_records")])
    load >> summarize
