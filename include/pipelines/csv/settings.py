"""Settings of the csv pipeline, on top of those that every pipeline shares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from include.connections.files.settings import FileSettings, S3Uri
from include.engine.settings import EngineSettings
from include.pipelines.csv.input.plans import TableOptions
from include.pipelines.csv.output.options import OutputKind, OutputOptions
from include.warehouse.run_settings import PARAM

READ_AHEAD = 200
"""Rows that are read before a worker is free for them."""

PARALLEL_ROWS = "PARALLEL_ROWS_PER_WORKER"
"""Variable of the environment: the default of `workers`."""

MAX_WORKERS = 500

LONGEST_S = 86_400.0
"""The engine's own bound of the bound of a row."""

STUCK_S = 180.0
"""A row's thread that is not back so long after the row's deadline and waits is given up: more than a call may take."""


class CsvSettings(FileSettings):
    """Which rows are read, what is made of them, and how much at a time."""

    folder_settings: ClassVar[tuple[str, ...]] = ("roots", "output_folder", "template_folder")
    s3_folder_settings: ClassVar[tuple[str, ...]] = ("output_folder",)

    file: str | None = Field(default=None, min_length=1, max_length=600, json_schema_extra=PARAM)
    """CSV or XLSX file to read: a path within the allowed roots, or `s3://bucket/key` below an allowed prefix. Empty:
    the files that arrived in `inbox` within the run's window."""

    inbox: str | None = Field(default=None, min_length=1, max_length=600)
    """Folder within the roots, or `s3://bucket/prefix/` below an allowed prefix, whose `.csv`, `.tsv` and `.xlsx` files
    a run without a `file` reads."""

    roots: tuple[Path, ...] = ()
    """Absolute paths of the folders below which files may lie; nothing else on disk is read."""

    output_folder: S3Uri | Path | None = None
    """Absolute path, or `s3://bucket/prefix/`, of the folder that enriched files go to."""

    mapping: dict[str, str] = Field(default={}, json_schema_extra=PARAM)
    """Which column holds what, such as `{"company": "Account", "first_name": "Vorname"}`. Fields that it does not name
    are found by the names that columns commonly have."""

    template: str = Field(
        default="first_contact.txt", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$", json_schema_extra=PARAM
    )
    """File name of the prompt's template, in `template_folder` or among those that come with the pipeline."""

    template_folder: Path | None = None
    """Absolute path of a folder of your own templates; it goes first."""

    row_limit: int | None = Field(default=None, ge=1, json_schema_extra=PARAM)
    """Rows to read of a file at most, from its first one on. Empty: all."""

    encoding: str | None = Field(default=None, max_length=40, json_schema_extra=PARAM)
    """Encoding of a CSV file. Empty: as its bytes tell."""

    delimiter: str | None = Field(default=None, max_length=2, json_schema_extra=PARAM)
    """Delimiter of a CSV file. Empty: as its first rows tell."""

    sheet: str | None = Field(default=None, max_length=31, json_schema_extra=PARAM)
    """Name of a workbook's sheet. Empty: the first that is visible."""

    columns: list[str] | None = Field(default=None, max_length=1000, json_schema_extra=PARAM)
    """Names of the original columns that the output keeps, in the file's order. Empty: all."""

    output_format: OutputKind | None = Field(default=None, json_schema_extra=PARAM)
    """`csv` or `xlsx`. Empty: that of the input."""

    output_encoding: str | None = Field(default=None, max_length=40)
    """Of CSV output; empty: that of the input."""

    neutralise_original: bool = False
    """Keep original cells, too, from being run as formulas by a spreadsheet; generated ones always are."""

    max_file_bytes: int = Field(default=2 * 1024**3, ge=1024)
    """Largest file."""

    steps: tuple[str, ...] = Field(default=("research", "email"), min_length=1, max_length=20)
    """What is done with a row, in order: `research`, `email`, or a step of your own as `package.module:name`, which is
    called without arguments and gives a `Step`."""

    services: dict[str, str] = Field(default={"search": "headrace_research", "model": "headrace_email"})
    """Airflow connections of the paid services that steps ask, by the name under which they ask for them."""

    research: dict[str, Any] = Field(default={})
    """Fields of `ResearchSettings`; they go before those of the connection."""

    email: dict[str, Any] = Field(default={})
    """Fields of `EmailSettings`; they go before those of the connection."""

    tasks_at_once: int = Field(default=4, ge=1, le=1000)
    """Mapped tasks that may work at the same time, as the pool has slots: each keeps to its share of every quota."""

    batch_size: int | None = Field(default=1000, ge=1, le=1_000_000, json_schema_extra=PARAM)
    """Rows a mapped task; a file of fewer than 100 rows is one batch. More where a run would pass 1,000 batches."""

    workers: int = Field(default=20, ge=1, le=MAX_WORKERS, json_schema_extra=PARAM)
    """Rows that a mapped task works at the same time; 1 works one after the other. Where the environment has
    `PARALLEL_ROWS_PER_WORKER`, that is the default."""

    insert_batch: int = Field(default=5, ge=1, le=10_000, json_schema_extra=PARAM)
    """Rows a transaction, and a step of the progress that the ledger shows."""

    max_wait_s: float = Field(default=1.0, gt=0, le=60)
    """Seconds after which the writer commits what it has."""

    record_timeout_s: float = Field(default=300.0, gt=0, le=86_000, json_schema_extra=PARAM)
    """Deadline of a row, in seconds: no call goes out later. It stands still while the row waits for a quota."""

    quota_wait_s: float = Field(default=3600.0, ge=0, le=86_000)
    """Seconds that a row waits for quotas at most, its deadline apart, and a task for its share of them. A batch whose
    rows would wait longer ends with an error that names the quota."""

    max_tries: int = Field(default=1, ge=1, le=20)
    """Times that a row gets such a deadline. Its calls are tried again within one."""

    max_reject_rate: float = Field(default=0.5, ge=0, le=1, json_schema_extra=PARAM)
    """Share of rejected rows, after the first 100, above which a batch, and the run as a whole, fails."""

    dry_run: bool = Field(default=False, json_schema_extra=PARAM)
    """Make no call: estimate calls, tokens, cost and minutes from the files and their first rows."""

    @model_validator(mode="before")
    @classmethod
    def _workers_of_the_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        text = os.environ.get(PARALLEL_ROWS, "").strip()
        if not text or "workers" in given:
            return given
        if not (text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_WORKERS):
            raise ValueError(f"{PARALLEL_ROWS} in the environment must be a whole number from 1 to {MAX_WORKERS}")
        return {**given, "workers": int(text)}

    @model_validator(mode="after")
    def _reads_what_it_is_told(self) -> Self:
        if self.dry_run and self.reads_listed_keys:
            raise ValueError("dry_run looks at whole files: leave key_list and open_rejects_only empty")
        if self.window_start is not None and self.file is not None:
            raise ValueError("window_start and window_end select among the files of the inbox: leave file empty")
        return self

    @property
    def skip_unchanged(self) -> bool:
        """Rows whose fields and settings are what was loaded are left alone."""
        return True

    def engine(self) -> EngineSettings:
        """The engine's own bound of a row lies above the row's deadline, and is a guard against threads that hang."""
        longest_s = min(self.record_timeout_s + self.quota_wait_s + STUCK_S, LONGEST_S)
        return replace(super().engine(), in_flight=self.workers + READ_AHEAD, record_timeout_s=longest_s)

    def table_options(self) -> TableOptions:
        """How files are read."""
        return TableOptions(
            encoding=self.encoding,
            delimiter=self.delimiter,
            sheet=self.sheet,
            row_limit=self.row_limit,
            max_bytes=self.max_file_bytes,
        )

    def output_options(self) -> OutputOptions:
        """How files are written."""
        return OutputOptions(
            kind=self.output_format,
            encoding=self.output_encoding,
            columns=self.columns,
            neutralise_original=self.neutralise_original,
        )

    @property
    def connections(self) -> Mapping[str, str]:
        """Those of `services` that the steps need; a step of your own may need any."""
        unused = {service for step, service in (("research", "search"), ("email", "model")) if step not in self.steps}
        own = any(":" in step for step in self.steps)
        return {name: conn_id for name, conn_id in self.services.items() if own or name not in unused}
