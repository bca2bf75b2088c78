"""From a checked definition to a view that turns resources into rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from include.pipelines.fhir.fhirpath.compiled import Item, One, Scope
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.views.columns import Conversions, ViewColumn, to_sql
from include.pipelines.fhir.views.definition import ViewDefinition
from include.pipelines.fhir.views.errors import ResourceRejected
from include.pipelines.fhir.views.resources import key_of, version_of
from include.pipelines.fhir.views.rows import PlacedError
from include.pipelines.fhir.views.selects import SelectCompiler, constants_of
from include.pipelines.fhir.views.tables import table_of

UNNAMED = "view"
"""What a view without a name is called in messages, and its table."""


class CompiledView:
    """A view, ready to run. Safe to call from many threads at once."""

    def __init__(self, definition: ViewDefinition, conversions: Conversions = to_sql) -> None:
        self.conversions = conversions
        """How values become what a row holds; not a part of the fingerprint."""
        compiler = SelectCompiler(constants_of(definition), definition.resource, conversions)
        selected = compiler.selects(definition.select, ("select",))
        self.definition = definition
        self.name = definition.name or UNNAMED
        self.resource = definition.resource
        """The type of resource that it reads; others give no rows."""
        self.columns: tuple[ViewColumn, ...] = selected.columns
        """The view's own, after the resource's key and version."""
        self._evaluate = selected.rows
        self._conditions = tuple(
            _condition(index, compiler.expression(where.path).one) for index, where in enumerate(definition.where)
        )

    def __reduce__(self) -> tuple[type[CompiledView], tuple[ViewDefinition, Conversions]]:
        """Closures do not pickle; they are made again where the pickle arrives."""
        return CompiledView, (self.definition, self.conversions)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the definition, without what changes no row: views of one fingerprint give the same rows."""
        named = self.definition.model_dump(mode="json", exclude={"url", "title", "status", "description"})
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    @property
    def table(self) -> sa.Table:
        """A new declaration of the table that takes the rows."""
        return table_of(self.name, self.columns)

    def rows(self, resource: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of the view's table, in the order of the view; none for resources that it does not choose.

        Each begins with the resource's key and version. Raises `ResourceRejected`.
        """
        selected = self.view_rows(resource)
        if not selected:
            return selected
        try:
            head = (key_of(resource), version_of(resource))
        except EvaluationError as error:
            raise ResourceRejected(self.name, "the resource", error.cause) from None
        return [head + row for row in selected]

    def view_rows(self, resource: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The same without key and version: the rows that the specification speaks of."""
        if resource.get("resourceType") != self.resource:
            return []
        scope: Scope = (resource, 0)
        try:
            for holds in self._conditions:
                if not holds(resource, scope):
                    return []
            return self._evaluate(resource, scope)
        except PlacedError as error:
            raise ResourceRejected(self.name, error.place, error.cause) from None
        except EvaluationError as error:
            raise ResourceRejected(self.name, "the resource", error.cause) from None
        except RecursionError:
            raise ResourceRejected(self.name, "the resource", "too_deep") from None


def _condition(index: int, one: One) -> Callable[[Item, Scope], bool]:
    """A resource is chosen where the condition is true; nothing, as false, leaves it out."""

    def holds(resource: Item, scope: Scope) -> bool:
        try:
            value = one(resource, scope)
        except EvaluationError as error:
            raise PlacedError(f"where[{index}].path", error.cause) from None
        if value is None or isinstance(value, bool):
            return bool(value)
        raise PlacedError(f"where[{index}].path", "not_boolean")

    return holds
