"""Keys of look-ups that no text can match, since the steps before give none like them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from include.pipelines.xml.language.literals import ScalarValue
from include.pipelines.xml.language.places import Mistake, Place
from include.pipelines.xml.language.steps import ConstantStep, DateStep, Fallback, LookupStep, Step, StepName
from include.pipelines.xml.mapping.conversions import XML_SPACE, Unfit
from include.pipelines.xml.mapping.step_functions import TEXT_FUNCTIONS, TextFunction

Enumerations = Mapping[str, Mapping[str, ScalarValue]]
"""By name."""


def key_mistakes(
    place: Place, steps: Sequence[Step], enumerations: Enumerations, *, trimmed: bool
) -> Iterator[Mistake]:
    """`place` is that of the steps; `trimmed` is about the text that comes to the first of them.

    A key of an enumeration is named where it is written, once for all columns that look it up.
    """
    for index, step in enumerate(steps):
        if isinstance(step, LookupStep):
            named = isinstance(step.lookup, str)
            table = enumerations.get(step.lookup, {}) if isinstance(step.lookup, str) else step.lookup
            owner: Place = ("enumerations", str(step.lookup)) if named else (*place, index, "lookup")
            yield from _of_table(owner, table, trimmed=trimmed)
            yield from _of_step_before((*place, index, "lookup"), step, steps[index - 1] if index else None, table)
            trimmed = _is_trimmed_after(step, table, trimmed=trimmed)
        elif isinstance(step, ConstantStep):
            trimmed = _are_trimmed([step.constant])
        elif step not in ("upper", "lower"):
            trimmed = True


def _of_table(place: Place, table: Mapping[str, ScalarValue], *, trimmed: bool) -> Iterator[Mistake]:
    for key in table:
        if not key:
            yield (*place, key), "an empty key matches nothing, as no text is no value: a default may be meant"
        elif trimmed and key != key.strip(XML_SPACE):
            yield (*place, key), "a key with white space at an end matches nothing: the text is trimmed before"


def _of_step_before(
    place: Place, step: LookupStep, before: Step | None, table: Mapping[str, ScalarValue]
) -> Iterator[Mistake]:
    """What a step gives, it does not change a second time: so a key that it would change is none that it gives.

    Of a table that serves several columns, single keys may be for others.
    """
    if before is None or isinstance(before, LookupStep | ConstantStep):
        return
    name: StepName = "date" if isinstance(before, DateStep) else before
    if name in ("upper", "lower") and step.ignore_case:
        return
    sound = [key for key in table if key and key == key.strip(XML_SPACE)]  # others are refused already
    if sound and not any(_stays(key, TEXT_FUNCTIONS[name]) for key in sound):
        yield place, f"none of its keys matches: {name}, before it, gives no such texts"


def _stays(key: str, function: TextFunction) -> bool:
    try:
        return function(key) == key
    except Unfit:
        return False


def _is_trimmed_after(step: LookupStep, table: Mapping[str, ScalarValue], *, trimmed: bool) -> bool:
    given = [*table.values(), *([step.otherwise.value] if isinstance(step.otherwise, Fallback) else [])]
    return _are_trimmed(given) and (trimmed or step.otherwise != "keep")


def _are_trimmed(texts: Collection[ScalarValue]) -> bool:
    return all(not isinstance(text, str) or text == text.strip(XML_SPACE) for text in texts)
