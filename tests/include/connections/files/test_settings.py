from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from include.connections.files.settings import FileSettings, S3Uri


class Shelves(FileSettings):
    """Of a pipeline."""

    folder_settings: ClassVar[tuple[str, ...]] = ("roots", "shelf", "cache")
    s3_folder_settings: ClassVar[tuple[str, ...]] = ("shelf",)

    roots: tuple[Path, ...] = ()
    shelf: S3Uri | Path | None = None
    cache: Path | None = None


ABSOLUTE = "roots, shelf and cache must be absolute paths; shelf may be s3://bucket/prefix/"
CONNECTION = "s3_prefixes and shelf in S3 need s3_conn_id"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"roots": ("/a", "b")}, ABSOLUTE),
        ({"shelf": "b"}, ABSOLUTE),
        ({"cache": "b"}, ABSOLUTE),
        ({"cache": "s3://bucket/b/"}, ABSOLUTE),
        ({"shelf": "s3://bucket/b/"}, CONNECTION),
        ({"s3_prefixes": ("s3://bucket/b/",)}, CONNECTION),
        ({"s3_prefixes": ("bucket/b/",), "s3_conn_id": "store"}, "s3_prefixes"),
        ({"s3_conn_id": ""}, "s3_conn_id"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Shelves(**given)


def test_a_folder_is_a_path_or_an_uri() -> None:
    found = Shelves(roots=("/a",), shelf="/b", cache="/c")
    assert (found.roots, found.shelf, found.cache) == ((Path("/a"),), Path("/b"), Path("/c"))
    assert Shelves(shelf="s3://bucket/b", s3_conn_id="store").shelf == "s3://bucket/b"


def test_a_pipeline_without_folders_in_s3_is_told_of_none() -> None:
    class OnDisk(FileSettings):
        folder_settings: ClassVar[tuple[str, ...]] = ("shelf",)
        shelf: Path | None = None

    with pytest.raises(ValidationError, match=r"shelf must be absolute paths \["):
        OnDisk(shelf="b")


@pytest.mark.parametrize("name", ["s3_conn_id", "s3_prefixes"])
def test_who_may_trigger_a_run_may_not_choose_them(name: str) -> None:
    assert FileSettings.model_fields[name].json_schema_extra is None
