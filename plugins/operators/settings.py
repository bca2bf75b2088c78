"""Settings of a run: Dag Params, then the pipeline's Airflow Variable, then the model's defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from airflow.sdk import Param, Variable
from pydantic import ValidationError

from include.engine.errors import SettingsError
from include.warehouse.run_settings import RunSettings

S = TypeVar("S", bound=RunSettings)

_SCHEMA_WORDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
)


def params_of(model: type[RunSettings]) -> dict[str, Param]:
    """The trigger form of a settings model.

    Every Param may stay empty (null): then the Variable decides, then the default. A form that carried the
    defaults itself would outrank the Variable on every run.
    """
    fields = model.model_json_schema()["properties"]
    return {name: _param(model, name, field) for name, field in fields.items() if field.get("param")}


def _param(model: type[RunSettings], name: str, field: Mapping[str, Any]) -> Param:
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    rules = {word: option[word] for option in options for word in _SCHEMA_WORDS if word in option}
    if "enum" in rules:
        rules["enum"] = [*rules["enum"], None]
    if any(option.get("format") == "date-time" for option in options):
        rules["format"] = "date-time"
    default = model.model_fields[name].default
    hint = "" if default is None else f" Default: {json.dumps(default)}."
    return Param(
        None,
        description=field.get("description", "").replace("\n", " ") + hint,
        title=name,
        type=["null", *dict.fromkeys(option["type"] for option in options)],
        **rules,
    )


def resolve_settings(
    model: type[S], params: Mapping[str, Any], conf: Mapping[str, Any] | None, variable_name: str
) -> S:
    """The settings of this run; raises `SettingsError` naming every wrong or unknown field and where it stands.

    Airflow accepts unknown keys of a trigger's conf silently, so they are refused here.
    """
    known = {name for name, field in model.model_fields.items() if _is_param(field.json_schema_extra)}
    if unknown := sorted(set(conf or {}) - known):
        raise SettingsError(f"unknown in the run's conf: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    variable = _variable(variable_name)
    given = {name: value for name, value in params.items() if name in known and value is not None}
    try:
        return model.model_validate({**variable, **given})
    except ValidationError as error:
        raise SettingsError("; ".join(_faults(error, given, variable_name))) from None


def _is_param(extra: object) -> bool:
    return isinstance(extra, dict) and bool(extra.get("param"))


def _variable(name: str) -> dict[str, Any]:
    text = Variable.get(name, default=None)
    if text is None:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"Variable {name} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise SettingsError(f"Variable {name} must be a JSON object of settings, it is a {type(values).__name__}")
    return values


def _faults(error: ValidationError, given: Mapping[str, Any], variable_name: str) -> list[str]:
    return [
        f"{_place(fault['loc'], given, variable_name)}: {_what(fault['type'], fault['msg'])}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


_LISTS = {"tuple_type", "list_type", "set_type", "frozen_set_type"}


def _what(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such setting"
    return "must be a JSON list" if kind in _LISTS else message.removeprefix("Value error, ")


def _place(loc: tuple[int | str, ...], given: Mapping[str, Any], variable_name: str) -> str:
    field = ".".join(str(step) for step in loc)
    if not field:
        return "settings"
    return f"Param {field}" if loc[0] in given else f"{field} (Variable {variable_name})"
