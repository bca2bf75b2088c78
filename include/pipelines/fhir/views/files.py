"""View definitions from JSON: every mistake at once, each with its place."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from include.engine.errors import SettingsError
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.definition import ViewDefinition
from include.pipelines.fhir.views.faults import Fault, FaultError, refusal, structural
from include.pipelines.fhir.views.rules import faults_across

MAX_VIEW_BYTES = 4 * 1024 * 1024


def read_view(path: Path) -> ViewDefinition:
    """Raises one `SettingsError` with every mistake of the file."""
    try:
        data = path.read_bytes()
        text = data[:MAX_VIEW_BYTES].decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"view {path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"view {path.name}: not UTF-8 at byte {error.start}") from None
    if len(data) > MAX_VIEW_BYTES:
        raise SettingsError(f"view {path.name}: more than {MAX_VIEW_BYTES} bytes")
    return parse_view(text, path.name)


def parse_view(text: str, name: str = "definition") -> ViewDefinition:
    """A definition from JSON text; `name` is for messages. Raises one `SettingsError` with every mistake."""
    doubled: list[Fault] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        doubled.extend(
            Fault((), f"{twice} is there twice in one object") for twice in {*names} if names.count(twice) > 1
        )
        return dict(pairs)

    try:
        raw = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"view {name}: not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"view {name}: not JSON: {error}") from None
    return check_view(raw, name, doubled)


def _no_constant(constant: str) -> Any:  # noqa: ANN401 - it only raises
    raise ValueError(f"{constant} is no JSON number")


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
