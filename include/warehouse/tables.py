"""The house's own tables, declared once. Times are naive UTC; `record_key` is a key's text."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from include.warehouse.column_types import key_text, long_text, utc_timestamp
from include.warehouse.target import MAX_NAME

MAX_KEY = 200
"""UTF-16 units of a record key; the primary keys stay within SQL Server's 900 bytes of a clustered index."""

MAX_MESSAGE = 1000
"""UTF-16 units of a reject's message."""

AIRFLOW_ID = 250
"""Airflow's own bound of a Dag's, run's or task's id."""

metadata = sa.MetaData()

_NAME = key_text(MAX_NAME)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite counts up only a column that is exactly INTEGER."""

_TEXT = long_text()


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, default=0)


def _seconds(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(53), nullable=False, default=0.0)


def _required(name: str, type_: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


runs = sa.Table(
    "headrace_runs",
    metadata,
    sa.Column("run_no", _NUMBER, primary_key=True, autoincrement=True),
    _required("pipeline", _NAME),
    _required("target", _NAME),
    _required("dag_id", key_text(AIRFLOW_ID)),
    _required("run_id", key_text(AIRFLOW_ID)),
    _required("state", sa.Unicode(20)),
    sa.Column("window_start", utc_timestamp()),
    sa.Column("window_end", utc_timestamp()),
    sa.Column("watermark", key_text(MAX_KEY)),
    _counter("batches_planned"),
    _counter("records_planned"),
    sa.Column("settings", _TEXT),
    sa.Column("summary", _TEXT),
    _required("started_at", utc_timestamp()),
    sa.Column("ended_at", utc_timestamp()),
    # Within SQL Server's 1,700 bytes of an index that is not clustered.
    sa.UniqueConstraint("pipeline", "dag_id", "run_id", name="uq_headrace_runs"),
    sqlite_autoincrement=True,
)

batches = sa.Table(
    "headrace_batches",
    metadata,
    sa.Column("cycle_id", _NUMBER, primary_key=True, autoincrement=True),
    _required("pipeline", _NAME),
    _required("target", _NAME),
    _required("dag_id", key_text(AIRFLOW_ID)),
    _required("run_id", key_text(AIRFLOW_ID)),
    _required("task_id", key_text(AIRFLOW_ID)),
    _required("batch_index", sa.Integer),
    _required("owner", key_text(AIRFLOW_ID)),
    _required("max_tries", sa.Integer),
    _required("try_number", sa.Integer),
    _required("attempts", sa.Integer),
    _required("batch", _TEXT),
    _required("fingerprint", key_text(MAX_NAME)),
    _required("state", sa.Unicode(20)),
    _required("ordinal", sa.Integer),
    sa.Column("last_receipt", _TEXT),
    _counter("records_planned"),
    _counter("records_read"),
    _counter("records_written"),
    _counter("records_rejected"),
    _counter("records_skipped"),
    _counter("records_resumed"),
    _counter("records_bugs"),
    _counter("records_settled"),
    _counter("rows_written"),
    _counter("retries"),
    _seconds("read_s"),
    _seconds("transform_s"),
    _seconds("insert_s"),
    _seconds("wall_s"),
    sa.Column("rejected_by_code", _TEXT),
    sa.Column("skipped_by_reason", _TEXT),
    sa.Column("warnings", _TEXT),
    sa.Column("marks", _TEXT),
    sa.Column("stats", _TEXT),
    sa.Column("error", sa.Unicode(MAX_MESSAGE)),
    _required("started_at", utc_timestamp()),
    _required("updated_at", utc_timestamp()),
    sa.Column("ended_at", utc_timestamp()),
    sa.CheckConstraint(
        "records_settled = records_written + records_rejected + records_skipped", name="ck_headrace_batches_settled"
    ),
    sa.Index("ix_headrace_batches_run", "dag_id", "run_id", "batch_index"),
    sa.Index("ix_headrace_batches_pipeline", "pipeline", "target"),
    sqlite_autoincrement=True,
)
"""One line a cycle. `warnings` counts by name what the transform tolerated in the records written, `marks` joins their
bits, as hexadecimal text; both are NULL until there is one."""

records = sa.Table(
    "headrace_records",
    metadata,
    sa.Column("pipeline", _NAME, primary_key=True),
    sa.Column("target", _NAME, primary_key=True),
    sa.Column("record_key", key_text(MAX_KEY), primary_key=True),
    sa.Column("version", key_text(MAX_NAME)),
    sa.Column("content_hash", key_text(64)),
    _required("row_count", sa.Integer),
    _required("outcome", sa.Unicode(20)),
    sa.Column("reason", sa.Unicode(MAX_NAME)),
    _required("cycle_id", sa.BigInteger),
    sa.Column("earlier_cycle_id", sa.BigInteger),
    _required("settled_at", utc_timestamp()),
    sqlite_with_rowid=False,
)
"""`content_hash` and `row_count` say what the target holds, `version` the newest that settled; the rest, how the key
settled last. `earlier_cycle_id` is the other cycle before: its retry must know the key as settled too."""

rejects = sa.Table(
    "headrace_rejects",
    metadata,
    sa.Column("pipeline", _NAME, primary_key=True),
    sa.Column("target", _NAME, primary_key=True),
    sa.Column("record_key", key_text(MAX_KEY), primary_key=True),
    _required("run_id", key_text(AIRFLOW_ID)),
    _required("cycle_id", sa.BigInteger),
    _required("code", sa.Unicode(MAX_NAME)),
    sa.Column("message", sa.Unicode(MAX_MESSAGE)),
    _required("attempts", sa.Integer),
    _required("first_seen", utc_timestamp()),
    _required("last_seen", utc_timestamp()),
    sa.Column("resolved_at", utc_timestamp()),
    sqlite_with_rowid=False,
)

key_lists = sa.Table(
    "headrace_key_lists",
    metadata,
    sa.Column("list_id", key_text(MAX_NAME), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    _required("record_key", key_text(MAX_KEY)),
    _required("is_number", sa.Boolean),
    sqlite_with_rowid=False,
)

target_tables = sa.Table(
    "headrace_target_tables",
    metadata,
    sa.Column("pipeline", _NAME, primary_key=True),
    sa.Column("target", _NAME, primary_key=True),
    sa.Column("table_name", key_text(128), primary_key=True),
    _required("delete_path", _TEXT),
    _required("first_seen", utc_timestamp()),
    sqlite_with_rowid=False,
)
"""Every table that a target ever filled: a contract that drops one must still have its old rows deleted."""
