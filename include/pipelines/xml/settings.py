"""Settings of the XML pipeline, on top of those that every pipeline shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from include.engine.errors import SettingsError
from include.engine.settings import EngineSettings, WorkerKind
from include.pipelines.xml.document.parser import MAX_DEPTH, ParseLimits
from include.pipelines.xml.language.contract import CONTRACT_NAME_PATTERN, MAX_KEY_LENGTH
from include.pipelines.xml.language.files import CONTRACT_FOLDER
from include.warehouse.run_settings import PARAM, RunSettings

MIB = 1024 * 1024

KeyBound = (
    Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
    | Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)]
)
"""A bigint or a text key; a form may give the number as text."""


class XmlSettings(RunSettings):
    """Which documents are read, and by which contract."""

    workers: int = Field(default=1, ge=1, le=64, json_schema_extra=PARAM)
    """Transform threads a mapped task. Mapping holds the interpreter's lock: more mapped tasks scale, and a second
    thread helps only where documents are larger than about 100 KB and a core is free."""

    worker_kind: WorkerKind = Field(default="threads", json_schema_extra=PARAM)
    """`processes`: that many worker processes a mapped task instead of threads. A document that crashes or hangs
    libxml2 then costs its record and not the task, and where cores are free a task is half again as fast; each takes
    some 60 MB and half a second to start."""

    source_conn_id: str = Field(default="headrace_source", min_length=1)
    """Airflow connection of the database that has the table of documents."""

    source_schema: str | None = Field(default=None, min_length=1)
    """Schema of that table; empty: the connection's own."""

    source_table: str = Field(default="app_xml", min_length=1)
    """Table of documents."""

    key_column: str = Field(default="app_id", min_length=1)
    """Its column of record keys: integer or text, unique, and never NULL."""

    xml_column: str = Field(default="xml", min_length=1)
    """Its column of documents: text, XML or bytes."""

    change_date_column: str | None = Field(default="changed_at", min_length=1)
    """Its column of change dates (UTC, or with an offset). Null for a table without one: then
    `without_change_date` says what a run reads. Rows whose change date is NULL are read by every run."""

    without_change_date: Literal["above_watermark", "skip_unchanged"] | None = None
    """Required without a change date: read keys above the highest one of the last successful run before this one, or
    read all and skip the documents whose content has not changed."""

    contract: str = Field(default="lending", pattern=CONTRACT_NAME_PATTERN, json_schema_extra=PARAM)
    """Name of the mapping contract, a file `<name>.json` in one of the contract folders."""

    contract_folder: Path | None = None
    """Absolute path of the folder of your own contracts, searched before the package's."""

    key_lower: KeyBound | None = Field(default=None, json_schema_extra=PARAM)
    """First record key to read (inclusive). Empty: from the first."""

    key_upper: KeyBound | None = Field(default=None, json_schema_extra=PARAM)
    """Record key to stop before (exclusive). Empty: to the last."""

    fallback_encoding: str | None = None
    """Encoding to try when a document's bytes contradict the one it declares (`cp1252`). Empty: reject it."""

    max_document_bytes: int = Field(default=64 * MIB, ge=1024, le=1024 * MIB)
    """Largest document, in bytes of UTF-8; its tree takes five to ten times as much memory in each worker."""

    max_depth: int = Field(default=256, ge=1, le=MAX_DEPTH)
    """Deepest document, in levels of elements."""

    page_rows: int = Field(default=500, ge=1, le=100_000)
    """Most documents that one query fetches."""

    page_bytes: int = Field(default=8 * MIB, ge=1024, le=1024 * MIB)
    """Most bytes that one query fetches; one larger document comes alone."""

    @model_validator(mode="after")
    def _says_what_a_run_reads(self) -> Self:
        if self.change_date_column is None and self.without_change_date is None:
            raise ValueError(
                "without a change_date_column set without_change_date: above_watermark or skip_unchanged; "
                "a full reload each run is never a default"
            )
        if self.change_date_column is not None and self.without_change_date is not None:
            raise ValueError("without_change_date is for tables without a change_date_column: give one of the two")
        if self.change_date_column is None and self.window_start is not None:
            raise ValueError("window_start and window_end need a change_date_column")
        return self

    @model_validator(mode="after")
    def _keys_are_chosen_once(self) -> Self:
        if self.reads_listed_keys and (self.key_lower, self.key_upper) != (None, None):
            raise ValueError("key_list and open_rejects_only say which keys: leave key_lower and key_upper empty")
        return self

    @model_validator(mode="after")
    def _limits_hold(self) -> Self:
        try:
            self.limits()
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def skip_unchanged(self) -> bool:
        """Whether records whose content is what the target holds are left alone."""
        return self.without_change_date == "skip_unchanged"

    @property
    def contract_folders(self) -> tuple[Path, ...]:
        """The only places where contracts are looked for."""
        return (CONTRACT_FOLDER,) if self.contract_folder is None else (self.contract_folder, CONTRACT_FOLDER)

    def engine(self) -> EngineSettings:
        """With the kind of workers."""
        return replace(super().engine(), worker_kind=self.worker_kind)

    def limits(self) -> ParseLimits:
        """What a document may be; raises `SettingsError`."""
        return ParseLimits(self.max_document_bytes, self.max_depth, self.fallback_encoding)
