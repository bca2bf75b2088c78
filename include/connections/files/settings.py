"""Settings of the pipelines that read or keep files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from include.connections.files.object_names import S3_URI_PATTERN
from include.warehouse.run_settings import RunSettings

S3Uri = Annotated[str, Field(pattern=S3_URI_PATTERN)]


class FileSettings(RunSettings):
    """What reaches S3. A pipeline's own model adds the folders, and names them here for the rules they share."""

    folder_settings: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that are one folder or several."""

    s3_folder_settings: ClassVar[tuple[str, ...]] = ()
    """Those of them that may be in S3."""

    s3_conn_id: str | None = Field(default=None, min_length=1)
    """Airflow connection of type `aws`, for what is in S3. Empty: nothing is."""

    s3_prefixes: tuple[S3Uri, ...] = ()
    """`s3://bucket/prefix/` below which files may lie; nothing else in S3 is read."""

    @model_validator(mode="after")
    def _folders_are_absolute(self) -> Self:
        given = [folder for name in self.folder_settings for folder in _folders(getattr(self, name))]
        if any(isinstance(folder, Path) and not folder.is_absolute() for folder in given):
            in_s3 = self.s3_folder_settings
            exceptions = f"; {_listed(in_s3)} may be s3://bucket/prefix/" if in_s3 else ""
            raise ValueError(f"{_listed(self.folder_settings)} must be absolute paths{exceptions}")
        return self

    @model_validator(mode="after")
    def _s3_has_a_connection(self) -> Self:
        in_s3 = self.s3_prefixes or any(isinstance(getattr(self, name), str) for name in self.s3_folder_settings)
        if in_s3 and self.s3_conn_id is None:
            raise ValueError(f"{_listed(('s3_prefixes', *self.s3_folder_settings))} in S3 need s3_conn_id")
        return self


def _folders(value: str | Path | tuple[Path, ...] | None) -> tuple[str | Path | None, ...]:
    return value if isinstance(value, tuple) else (value,)


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
