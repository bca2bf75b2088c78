"""The steps of a column, as a contract writes them: text for the plain ones, an object for those with settings."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, StrictBool, ValidationError, WithJsonSchema, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

from include.pipelines.xml.language.literals import ScalarValue
from include.pipelines.xml.language.model import ContractModel, Value
from include.pipelines.xml.mapping.date_forms import FORM_PATTERN, date_finder

StepName = Literal["trim", "collapse", "upper", "lower", "digits", "first_number", "date"]
STEP_NAMES: tuple[StepName, ...] = get_args(StepName)

_SCALAR_SCHEMA = {"type": ["boolean", "number", "string"]}
_OTHERWISE = ("reject", "null", "keep")


def _refused(message: str) -> PydanticCustomError:
    return PydanticCustomError("step", message)


def _form(raw: object, _inner: object) -> str:
    if not isinstance(raw, str):
        raise _refused('must be text, as in "%d.%m.%Y"')
    date_finder(raw)
    return raw


def _forms(raw: object, inner: Any) -> Any:  # noqa: ANN401 - pydantic's handler and its result
    if not isinstance(raw, list) or not raw:
        raise _refused('must be a list of forms, as in ["%d.%m.%Y"]')
    return inner(raw)


def _table(raw: object, _inner: object) -> object:
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, dict) or not raw:
        raise _refused('names an enumeration, or is a table with entries, as in {"Y": true, "N": false}')
    if wrong := [key for key, value in raw.items() if not isinstance(value, ScalarValue)]:
        raise _mistakes(((str(key),), "write text, a number, true or false") for key in wrong)
    return raw


def _otherwise(raw: object, _inner: object) -> object:
    if isinstance(raw, str) and raw in _OTHERWISE:
        return raw
    if isinstance(raw, Fallback):
        return raw
    if isinstance(raw, dict) and list(raw) == ["value"] and isinstance(raw["value"], ScalarValue):
        return Fallback(value=raw["value"])
    raise _refused('must be "reject", "null" (no value), "keep" (the text) or {"value": …} (text, number, true, false)')


FormText = Annotated[str, WrapValidator(_form), WithJsonSchema({"type": "string", "pattern": FORM_PATTERN})]
Forms = Annotated[
    list[FormText],
    WrapValidator(_forms),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": FORM_PATTERN}, "minItems": 1}),
]
LookupTable = Annotated[
    str | dict[str, ScalarValue],
    WrapValidator(_table),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": _SCALAR_SCHEMA, "minProperties": 1}]}
    ),
]


class DateStep(ContractModel):
    """The first date in one of these forms, earlier forms first, as YYYY-MM-DD."""

    date: Forms
    """Of %Y, %m, %d, %y, %b (Jan), %B (January) and characters that stand for themselves."""


class Fallback(ContractModel):
    """The value of texts that a look-up does not know."""

    value: Value
    """Of the column's type where the look-up is the last step, else text."""


class LookupStep(ContractModel):
    """The value for the text in an enumeration."""

    lookup: LookupTable
    """Name of an enumeration of the contract, or a table of its own: value by text."""

    otherwise: Annotated[Literal["reject", "null", "keep"] | Fallback, WrapValidator(_otherwise)] = "reject"
    """For a text that is not there: reject the record, no value, the text itself, or this value."""

    ignore_case: StrictBool = False
    """Compare without case."""


class ConstantStep(ContractModel):
    """This value, where there is any."""

    constant: Value
    """Of the column's type as the last step, else text."""


_MODELS: dict[str, type[DateStep | LookupStep | ConstantStep]] = {
    "date": DateStep,
    "lookup": LookupStep,
    "constant": ConstantStep,
}
_EXAMPLES = {"date": '{"date": ["%d.%m.%Y"]}', "lookup": '{"lookup": "NAME"}', "constant": '{"constant": "…"}'}
_ALL = f"{', '.join(STEP_NAMES)}, {', '.join(_EXAMPLES.values())}"


def _step(raw: Any, _inner: object) -> Any:  # noqa: ANN401 - whatever the JSON text held
    """Chooses the model itself: a union would report what is wrong with each of its members."""
    if isinstance(raw, tuple(_MODELS.values())) or raw in STEP_NAMES:
        return raw
    if isinstance(raw, str):
        raise _refused(f"write {_EXAMPLES[raw]}" if raw in _EXAMPLES else _unknown(raw))
    if not isinstance(raw, dict):
        raise _refused(f'a step is text, as "trim", or an object, as {_EXAMPLES["lookup"]}')
    chosen = [name for name in _MODELS if name in raw]
    if len(chosen) > 1:
        raise _refused(f"{' and '.join(chosen)} are steps of their own: write an object for each")
    if not chosen:
        raise _refused(_no_object(raw))
    model = _MODELS[chosen[0]]
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = [(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_url=False)]
    raise _mistakes((place, _worded(place, kind, message, model)) for place, kind, message in faults)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), [*STEP_NAMES, *_EXAMPLES], n=1)
    return f"no such step; did you mean {near[0]}?" if near else f"no such step; there are {_ALL}"


def _no_object(raw: dict[str, Any]) -> str:
    plain = next((name for name in raw if name in STEP_NAMES), None)
    if plain is not None:
        return f'{plain} has no settings: write "{plain}"'
    near = [match for name in raw for match in difflib.get_close_matches(str(name).lower(), _EXAMPLES, n=1)]
    return f"no such step; did you mean {near[0]}?" if near else f"no such step; there are {_ALL}"


def _worded(place: tuple[int | str, ...], kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), model.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(model.model_fields)}"
        return f"no such setting of this step; {hint}"
    return "must be true or false" if kind == "bool_type" else message.removeprefix("Value error, ")


def _mistakes(found: Iterable[tuple[tuple[int | str, ...], str]]) -> ValidationError:
    """Mistakes with their places: pydantic puts the place of the whole before each."""
    details = [InitErrorDetails(type=_refused(text), loc=place, input=None) for place, text in found]
    return ValidationError.from_exception_data("step", details)


Step = Annotated[
    Annotated[
        StepName,
        WithJsonSchema({"type": "string", "enum": list(STEP_NAMES), "description": "A step without settings."}),
    ]
    | DateStep
    | LookupStep
    | ConstantStep,
    WrapValidator(_step),
]
"""A mistake gives one message, at its place, that says what to write."""
