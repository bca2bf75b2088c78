"""The views of a run: the tables that they fill, and what decides which rows a resource gives."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.resources import KEY_COLUMN
from include.warehouse.target import Target

MEANING = 1
"""Raised when this code gives other rows for the same view and resource: everything is redone then."""


class Mapping:
    """Built once a task; safe to use from many threads."""

    def __init__(self, folders: Sequence[Path], names: Sequence[str] = ()) -> None:
        """`names` chooses views; none chooses all. Raises one `SettingsError` with the mistakes of all files."""
        manager = ViewDefinitionManager(folders)
        self.views: tuple[CompiledView, ...] = tuple(manager[name] for name in dict.fromkeys(names)) or tuple(manager)
        self.by_type: dict[str, tuple[CompiledView, ...]] = {
            resource_type: tuple(view for view in self.views if view.resource == resource_type)
            for resource_type in sorted({view.resource for view in self.views})
        }

    @cached_property
    def meanings(self) -> dict[str, str]:
        """By type of resource: a digest of all its views. A change of one type leaves those of the others alone."""
        return {
            resource_type: _digest(str(MEANING), *sorted(f"{view.name} {view.fingerprint}" for view in views))
            for resource_type, views in self.by_type.items()
        }

    def target(self, name: str, schema: str | None = None) -> Target:
        """A table a view; raises `SettingsError` for names that a warehouse cannot take."""
        metadata = sa.MetaData(schema=schema)
        # A table without a schema of its own takes that of the metadata.
        return Target(name, KEY_COLUMN, [view.table.to_metadata(metadata) for view in self.views])

    def fingerprint(self, target: Target) -> str:
        """Of all views and tables."""
        return _digest(target.signature, *(f"{name} {meaning}" for name, meaning in self.meanings.items()))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
