"""From the JSON text of a resource to the rows of all views of its type."""

from __future__ import annotations

from collections.abc import Mapping as Config
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.engine.errors import RecordRejected, RecordSkipped
from include.engine.model import Record, Rows
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.fhir.mapping import Mapping
from include.pipelines.fhir.views.resources import read_resource

NO_VIEW = "no_view"
"""Reason of a skip: no view reads resources of that type."""

RECYCLE_AFTER = 100_000
"""Records of a worker process: views are Python, with nothing native that leaks, and a start costs as much as
20,000 resources."""


class ViewsTransform:
    """Safe to call from many threads; views are Python, so a second thread makes it no faster."""

    def __init__(self, mapping: Mapping) -> None:
        self._by_type = mapping.by_type

    def __call__(self, record: Record) -> Rows:
        """Rows by table; none for a resource that was deleted, whose rows go.

        Raises `RecordSkipped` for a type that no view reads, `RecordRejected` with `fhir.unreadable` or the code of the
        first view that the resource does not fit.
        """
        if record.payload is None:
            if str(record.key).partition("/")[0] not in self._by_type:
                raise RecordSkipped(NO_VIEW)
            return {}
        try:
            resource = read_resource(record.payload)
        except ValueError as error:
            raise RecordRejected("fhir.unreadable", str(error)) from None
        views = self._by_type.get(str(resource.get("resourceType")))
        if views is None:
            raise RecordSkipped(NO_VIEW)
        return {view.name: rows for view in views if (rows := view.rows(resource))}


def process_transform(folders: Sequence[Path], names: Sequence[str]) -> ProcessTransform:
    """For worker processes, each of which compiles the views anew."""
    config = {"folders": [str(folder) for folder in folders], "names": list(names)}
    return ProcessTransform(factory=f"{__name__}:load", config=config, recycle_after=RECYCLE_AFTER)


def load(config: Config[str, Any]) -> Transform:
    """The factory of `process_transform`."""
    return ViewsTransform(Mapping([Path(folder) for folder in config["folders"]], config["names"]))
