"""View definitions from JSON: every mistake at once, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.definition import ViewDefinition
from include.pipelines.fhir.views.faults import Fault, FaultError, refusal, structural
from include.pipelines.fhir.views.rules import faults_across
from include.warehouse.json_files import parse_json, read_json_text

MAX_VIEW_BYTES = 4 * 1024 * 1024


def read_view(path: Path) -> ViewDefinition:
    """Raises one `SettingsError` with every mistake of the file."""
    return parse_view(read_json_text(path, "view", MAX_VIEW_BYTES), path.name)


def parse_view(text: str, name: str = "definition") -> ViewDefinition:
    """A definition from JSON text; `name` is for messages. Raises one `SettingsError` with every mistake."""
    doubled: list[Fault] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        doubled.extend(
            Fault((), f"{twice} is there twice in one object") for twice in {*names} if names.count(twice) > 1
        )
        return dict(pairs)

    raw = parse_json(text, f"view {name}", members)
    return check_view(raw, name, doubled)


def check_view(raw: object, name: str = "definition", known: list[Fault] | None = None) -> ViewDefinition:
    """A definition from JSON that is parsed, for example by a server; faults that are `known` are reported with it."""
    faults = list(known or ())
    definition: ViewDefinition | None = None
    try:
        definition = ViewDefinition.model_validate(raw)
    except ValidationError as error:
        faults += structural(error)
    try:
        faults += faults_across(raw)
    except RecursionError:
        faults.append(Fault((), "its selects are nested too deeply"))
    if definition is None or faults:
        raise refusal(name, faults)
    try:
        CompiledView(definition)
    except FaultError as error:
        raise refusal(name, [error.fault]) from None
    return definition
