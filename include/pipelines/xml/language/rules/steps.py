"""What must hold between a column's type and its steps; found when the contract is read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from include.pipelines.xml.language.column_types import ColumnType, Kind
from include.pipelines.xml.language.literals import ScalarValue, literal_reader
from include.pipelines.xml.language.places import Place
from include.pipelines.xml.language.steps import ConstantStep, DateStep, Fallback, LookupStep, Step
from include.pipelines.xml.mapping.conversions import Unfit

Enumerations = Mapping[str, Mapping[str, ScalarValue]]
Form = Literal["text", "digits", "number", "date"]
_Read = Callable[[object], Any]

_GIVES: dict[str, Form] = {"digits": "digits", "first_number": "number", "date": "date"}
_TEXTS: tuple[Kind, ...] = ("string", "text")
_NUMBERS: tuple[Kind, ...] = ("tinyint", "smallint", "int", "bigint", "decimal", "float", "bit")
_TAKERS: dict[Form, tuple[Kind, ...]] = {
    "digits": (*_TEXTS, *_NUMBERS),
    "number": (*_TEXTS, *_NUMBERS),
    "date": (*_TEXTS, "date", "datetime"),
}
_DATE_LENGTH = 10


def form_after(steps: Sequence[Step]) -> tuple[Form, int]:
    """What the text is once the steps are done, and the position of the step that made it so."""
    form: Form = "text"
    at = 0
    for index, step in enumerate(steps):
        new = _gives(step)
        if new is not None:
            form, at = new, index
    return form, at


def _gives(step: Step) -> Form | None:
    """None where the form stays what it was: case and white space change neither digits nor dates, `keep` no text."""
    if isinstance(step, str):
        return _GIVES.get(step)
    if isinstance(step, LookupStep) and step.otherwise == "keep":
        return None
    return "date" if isinstance(step, DateStep) else "text"


def step_mistakes(
    column_type: ColumnType, steps: Sequence[Step], enumerations: Enumerations
) -> Iterator[tuple[Place, str]]:
    """Each with its place within the list of steps. `enumerations` are those that are sound themselves."""
    for index, step in enumerate(steps):
        read = literal_reader(column_type) if index == len(steps) - 1 else _text
        if isinstance(step, ConstantStep):
            yield from _misfit((index, "constant"), step.constant, read, column_type)
        elif isinstance(step, LookupStep):
            yield from _lookup_mistakes(index, step, enumerations, read, column_type)
    yield from _ending_mistakes(column_type, steps)


def _text(literal: object) -> Any:  # noqa: ANN401 - as other readers
    if not isinstance(literal, str):
        raise Unfit("another step follows, so it must be text, in quotes")
    return literal


def _misfit(place: Place, literal: object, read: _Read, column_type: ColumnType) -> Iterator[tuple[Place, str]]:
    fault = _fault(literal, read)
    if fault is not None:
        yield place, f"the value does not fit {column_type.text}: {fault}"


def _fault(literal: object, read: _Read) -> str | None:
    try:
        read(literal)
    except Unfit as unfit:
        return str(unfit)
    return None


def _lookup_mistakes(
    index: int, step: LookupStep, enumerations: Enumerations, read: _Read, column_type: ColumnType
) -> Iterator[tuple[Place, str]]:
    place: Place = (index, "lookup")
    named = isinstance(step.lookup, str)
    table = enumerations.get(step.lookup) if isinstance(step.lookup, str) else step.lookup
    if table is None:
        yield place, _no_enumeration(str(step.lookup), enumerations)
        table = {}
    faults = [(key, fault) for key, value in table.items() if (fault := _fault(value, read)) is not None]
    if faults:
        # One message a table: of an enumeration used for another type, each value would be a mistake.
        key, fault = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        whose = f' of "{key}"{more} in enumeration {step.lookup}' if named else more
        yield (place if named else (*place, key)), f"the value{whose} does not fit {column_type.text}: {fault}"
    if step.ignore_case:
        yield from _doubled(place, table)
    if isinstance(step.otherwise, Fallback):
        yield from _misfit((index, "otherwise", "value"), step.otherwise.value, read, column_type)


def _no_enumeration(name: str, enumerations: Enumerations) -> str:
    near = difflib.get_close_matches(name, enumerations, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(enumerations) or 'none'}"
    return f"there is no enumeration {name}; {hint}"


def _doubled(place: Place, table: Mapping[str, ScalarValue]) -> Iterator[tuple[Place, str]]:
    seen: dict[str, str] = {}
    for key, value in table.items():
        first = seen.setdefault(key.casefold(), key)
        if table[first] != value:
            yield place, f'"{first}" and "{key}" are one without case, with two values: drop one, or ignore_case'


def _ending_mistakes(column_type: ColumnType, steps: Sequence[Step]) -> Iterator[tuple[Place, str]]:
    """Of the text that the steps leave to be converted, if they leave any."""
    if not steps or isinstance(steps[-1], ConstantStep):
        return
    if isinstance(steps[-1], LookupStep) and steps[-1].otherwise != "keep":
        return
    form, at = form_after(steps)
    takers = _TAKERS.get(form)
    if takers is not None and column_type.kind not in takers:
        what = "a date, YYYY-MM-DD" if form == "date" else "a number"
        yield (at,), f"gives {what}, which {column_type.text} does not take; such columns are {', '.join(takers)}"
    elif form == "date" and column_type.kind == "string" and column_type.length < _DATE_LENGTH:
        yield (at,), f"gives a date of {_DATE_LENGTH} characters: make the column string({_DATE_LENGTH}) or date"
