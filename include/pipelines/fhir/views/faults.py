"""What is wrong with a view definition, all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from include.engine.errors import SettingsError

Place = tuple[str | int, ...]
"""Names and positions from the root of the definition."""

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "a view definition has no such element here",
    "bool_type": "must be true or false",
    "model_type": "must be an object: {…}",
    "model_attributes_type": "must be an object: {…}",
    "tuple_type": "must be a list: […]",
    "list_type": "must be a list: […]",
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
"""By pydantic's types of error; its own messages speak of Python."""


class Fault(NamedTuple):
    """Where, and what is wrong and how to put it right."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{written(self.place)}: {self.message}"


class FaultError(ValueError):
    """A fault that shows only while a definition is compiled."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def written(place: Place) -> str:
    """`select[0].column[2].path`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.lstrip(".") or "the view"


def structural(error: ValidationError) -> Iterator[Fault]:
    """The faults that the models found."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        message = _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
        if fault["type"] == "string_pattern_mismatch":
            message = "must begin with a letter, and hold letters, digits and _ only"
        yield Fault(fault["loc"], message)


def refusal(name: str, faults: Sequence[Fault]) -> SettingsError:
    """One error that lists them; `name` is the view's or its file's."""
    lines = sorted({str(fault) for fault in faults})
    count = f"{len(lines)} mistake{'s' if len(lines) > 1 else ''}"
    return SettingsError(f"view {name} has {count}:\n" + "\n".join(f"  {line}" for line in lines))
