"""The settings that every pipeline shares; a pipeline's own model extends this one.

A field marked `PARAM` appears in the trigger form. Hosts, tables, folders and connections are never marked:
whoever may trigger a Dag may not choose what the server reads.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from include.engine.settings import IN_FLIGHT, EngineSettings
from include.warehouse.vanished import Vanished

PARAM: dict[str, Any] = {"param": True}
"""`json_schema_extra` of a field that the trigger form offers."""


class RunSettings(BaseModel):
    """What a run may be told; everything has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    batch_size: int | None = Field(default=None, ge=1, le=1_000_000, json_schema_extra=PARAM)
    """Records a mapped task. Empty: as many as take `target_batch_s` at the last measured rate. It grows where a
    run would pass 1,000 batches."""

    target_batch_s: float = Field(default=20.0, gt=0, le=3600)
    """Seconds that a batch of automatic size should take; a mapped task costs about one second by itself."""

    workers: int = Field(default=2, ge=1, le=64, json_schema_extra=PARAM)
    """Transform threads a mapped task; 1 works the records one after the other."""

    queue_records: int = Field(default=1000, ge=1, le=100_000, json_schema_extra=PARAM)
    """Records that may wait for the writer; a full queue blocks the workers."""

    queue_bytes: int = Field(default=64 * 1024 * 1024, ge=1024, le=4 * 1024**3)
    """Bytes that may wait for the writer."""

    insert_batch: int = Field(default=100, ge=1, le=10_000, json_schema_extra=PARAM)
    """Records a transaction."""

    max_wait_s: float = Field(default=0.5, gt=0, le=60)
    """Seconds after which the writer commits what it has."""

    record_timeout_s: float | None = Field(default=120.0, gt=0, le=3600)
    """Seconds after which a record is given up and rejected."""

    max_tries: int = Field(default=3, ge=1, le=20)
    """Tries of a record whose transform meets a transient error."""

    max_rejects: int | None = Field(default=None, ge=0, json_schema_extra=PARAM)
    """Rejected records after which a batch, and the run as a whole, fails. Empty: no limit by number."""

    max_reject_rate: float = Field(default=0.2, ge=0, le=1, json_schema_extra=PARAM)
    """Share of rejected records, after the first 100, above which a batch, and the run as a whole, fails."""

    force: bool = Field(default=False, json_schema_extra=PARAM)
    """Do records again that have not changed since they were loaded."""

    dry_run: bool = Field(default=False, json_schema_extra=PARAM)
    """Read and transform everything, report what would be written, write nothing."""

    key_list: str | None = Field(default=None, max_length=100, pattern=r"^[A-Za-z0-9_.\-]+$", json_schema_extra=PARAM)
    """Name of a list of keys that is stored in the warehouse: read these and nothing else, whenever they changed."""

    open_rejects_only: bool = Field(default=False, json_schema_extra=PARAM)
    """Read only the records whose reject is still open, whenever they changed."""

    window_start: datetime | None = Field(default=None, json_schema_extra=PARAM)
    """First change date to read (inclusive, UTC unless it says otherwise). Empty: the run's data interval."""

    window_end: datetime | None = Field(default=None, json_schema_extra=PARAM)
    """Change date to stop before (exclusive). Empty: the run's data interval."""

    vanished: Vanished = "keep"
    """What a run that read its whole source does about loaded records that are no longer there: keep their rows,
    count them, or remove them. A listed key that the source does not have keeps its rows likewise."""

    create_tables: bool = True
    """Create the tables that do not exist; otherwise a missing one is an error."""

    @field_validator("window_start", "window_end")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    @model_validator(mode="after")
    def _window_is_whole(self) -> Self:
        if (self.window_start is None) != (self.window_end is None):
            raise ValueError("window_start and window_end go together: give both or neither")
        if self.window_start is not None and self.window_end is not None and self.window_start >= self.window_end:
            raise ValueError("window_start must lie before window_end")
        if self.key_list is not None and self.open_rejects_only:
            raise ValueError("key_list and open_rejects_only exclude each other")
        if self.reads_listed_keys and self.window_start is not None:
            raise ValueError("key_list and open_rejects_only read keys whenever they changed: leave the window empty")
        return self

    @property
    def reads_listed_keys(self) -> bool:
        """Whether the run reads a list of keys instead of the source from end to end."""
        return self.open_rejects_only or self.key_list is not None

    @property
    def skip_unchanged(self) -> bool:
        """Whether records whose content is what the target holds are left alone; a pipeline may say yes."""
        return False

    def engine(self) -> EngineSettings:
        """What of this concerns one batch's engine."""
        return EngineSettings(
            workers=self.workers,
            in_flight=max(IN_FLIGHT, self.workers),
            queue_records=self.queue_records,
            queue_bytes=self.queue_bytes,
            insert_batch=self.insert_batch,
            max_wait_s=self.max_wait_s,
            record_timeout_s=self.record_timeout_s,
            max_tries=self.max_tries,
            max_rejects=self.max_rejects,
            max_reject_rate=self.max_reject_rate,
        )
