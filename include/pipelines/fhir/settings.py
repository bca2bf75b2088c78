"""Settings of the FHIR pipeline, on top of those that every pipeline shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from include.connections.files.object_names import ObjectName
from include.connections.files.settings import FileSettings, S3Uri
from include.engine.errors import SettingsError
from include.engine.settings import EngineSettings, WorkerKind
from include.pipelines.fhir.streams import stream_of
from include.pipelines.fhir.views.manager import DEFINITIONS
from include.warehouse.run_settings import PARAM

ReadFrom = Literal["search", "export", "kept"]


class FhirViewSettings(FileSettings):
    """Which resources are read, from where, and by which views."""

    folder_settings: ClassVar[tuple[str, ...]] = ("view_folder", "kept_folder", "work_folder")
    s3_folder_settings: ClassVar[tuple[str, ...]] = ("kept_folder",)

    workers: int = Field(default=1, ge=1, le=64, json_schema_extra=PARAM)
    """Threads, or worker processes, that turn resources into rows. Views are Python and hold the interpreter's lock, so
    a second thread makes them slower; the server is asked ahead in a thread of its own in any case."""

    worker_kind: WorkerKind = Field(default="threads", json_schema_extra=PARAM)
    """`processes`: that many worker processes a mapped task, where cores are free; each takes some 60 MB and half a
    second to start."""

    source_conn_id: str = Field(default="headrace_fhir", min_length=1)
    """Airflow connection of the FHIR server."""

    read_from: ReadFrom = Field(default="search", json_schema_extra=PARAM)
    """`search`: by type and `_lastUpdated`. `export`: Bulk Data, which also tells what was deleted; needs
    `work_folder`. `kept`: what earlier runs kept in `kept_folder`, without asking the server."""

    resource_types: str | None = Field(
        default=None,
        max_length=2000,
        pattern=r"^[A-Z][A-Za-z]+(, ?[A-Z][A-Za-z]+)*$",
        json_schema_extra=PARAM,
    )
    """Types of resources to read in this run, separated by commas. Empty: all that the views read. A run over a part of
    the types leaves the watermark alone."""

    type_filters: tuple[str, ...] = ()
    """Searches such as `Observation?category=laboratory` that choose which resources of a type are read; those of one
    type add up."""

    view_folder: Path | None = None
    """Absolute path of the folder of your own view definitions, searched before the package's."""

    views: tuple[str, ...] = ()
    """Names of the views to fill. Empty: all of the folders."""

    target_schema: str | None = Field(default=None, min_length=1)
    """Schema of the tables; empty: the connection's own. SQLite has none and leaves it out."""

    when_views_change: Literal["reload", "rebuild", "keep"] = "reload"
    """What a run does for types whose views have changed, or are new, since the last run: read all their resources
    again (`reload`), build their rows from what `kept_folder` has (`rebuild`; types that were not kept from the first
    run on are read again), or leave the old rows until their resources change (`keep`)."""

    overlap_s: float = Field(default=300.0, ge=0, le=7 * 86_400)
    """Seconds before the watermark that are read again: a server may show a change later than its time says. What has
    not changed is skipped."""

    only_elements: bool = False
    """Ask the server for those top-level elements only that the views read (`_elements`)."""

    kept_folder: S3Uri | Path | None = None
    """Absolute path of a folder, seen by all tasks, or `s3://bucket/prefix/` below one of `s3_prefixes`, in which every
    resource that is read is kept as compressed NDJSON: changed views can then be filled without asking the server. It
    grows; it holds patients' data. Empty: nothing is kept."""

    work_folder: Path | None = None
    """Absolute path of a folder on disk, seen by all tasks, for the files of exports."""

    export_keep_days: float = Field(default=7.0, ge=0, le=3650)
    """Days after which the files of an export are removed by a later run."""

    export_patients_only: bool = False
    """Export by `Patient/$export`: all patients and what belongs to them."""

    export_group: str | None = Field(default=None, pattern=r"^[A-Za-z0-9\-.]{1,64}$")
    """Export the members of this group, and what belongs to them."""

    @model_validator(mode="after")
    def _keeps_where_it_may(self) -> Self:
        if isinstance(self.kept_folder, str):
            folder = ObjectName.parse_folder(self.kept_folder)
            if not any(ObjectName.parse_folder(prefix).holds(folder) for prefix in self.s3_prefixes):
                raise ValueError("kept_folder in S3 must lie below one of s3_prefixes: add it there")
        return self

    @model_validator(mode="after")
    def _says_where_it_reads(self) -> Self:
        if self.read_from == "export" and self.work_folder is None:
            raise ValueError("read_from export needs work_folder, where its files come")
        if self.kept_folder is None and (self.read_from == "kept" or self.when_views_change == "rebuild"):
            raise ValueError("read_from kept and when_views_change rebuild need kept_folder, and runs that filled it")
        if self.read_from != "search" and self.reads_listed_keys:
            raise ValueError("key_list and open_rejects_only ask the server: set read_from to search")
        if self.read_from == "kept" and self.window_start is not None:
            raise ValueError("read_from kept reads all that was kept: leave window_start and window_end empty")
        if self.vanished == "remove" and self.kept_folder is not None:
            raise ValueError("vanished remove: kept_folder would bring back what is removed: count it, or keep nothing")
        if self.only_elements and self.kept_folder is not None:
            raise ValueError("only_elements leaves out what other views would need: kept_folder keeps whole resources")
        return self

    @model_validator(mode="after")
    def _filters_are_searches(self) -> Self:
        try:
            for text in self.type_filters:
                stream_of(text)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def skip_unchanged(self) -> bool:
        """The overlap brings resources again that are loaded already."""
        return True

    @property
    def view_folders(self) -> tuple[Path, ...]:
        """The only places where views are looked for."""
        return (DEFINITIONS,) if self.view_folder is None else (self.view_folder, DEFINITIONS)

    @property
    def chosen_types(self) -> frozenset[str] | None:
        """None: all."""
        if self.resource_types is None:
            return None
        return frozenset(name.strip() for name in self.resource_types.split(","))

    def engine(self) -> EngineSettings:
        """With the kind of workers."""
        return replace(super().engine(), worker_kind=self.worker_kind)
