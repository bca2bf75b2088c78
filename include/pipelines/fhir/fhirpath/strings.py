"""Functions of text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, One, Scope, of_one
from include.pipelines.fhir.fhirpath.errors import EvaluationError


def written(value: Item) -> str:
    """A primitive as FHIR writes it; raises `EvaluationError` for an object or list."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise EvaluationError("complex")


def text_of(part: Compiled) -> One:
    """The one value, which must be text."""
    one = part.one

    def evaluate(node: Item, scope: Scope) -> str | None:
        value = one(node, scope)
        if value is None or isinstance(value, str):
            return value
        raise EvaluationError("not_text")

    return evaluate


def join(source: Compiled, separator: Compiled | None = None) -> Compiled:
    """The texts as one, with the separator between them; empty where there is none."""
    many = source.many
    between = None if separator is None else text_of(separator)

    def evaluate(node: Item, scope: Scope) -> str | None:
        found = many(node, scope)
        if not found:
            return None
        if not all(isinstance(item, str) for item in found):
            raise EvaluationError("not_text")
        return ("" if between is None else between(node, scope) or "").join(found)

    return of_one(evaluate, "string")


def of_texts(function: Callable[..., Any], type_name: str) -> Callable[..., Compiled]:
    """A function of a text and of further texts; empty if any of them is."""

    def build(source: Compiled, *arguments: Compiled) -> Compiled:
        parts = tuple(text_of(part) for part in (source, *arguments))

        def evaluate(node: Item, scope: Scope) -> Item:
            texts = [part(node, scope) for part in parts]
            return None if None in texts else function(*texts)

        return of_one(evaluate, type_name)

    return build


starts_with = of_texts(str.startswith, "boolean")
ends_with = of_texts(str.endswith, "boolean")
contains = of_texts(str.__contains__, "boolean")
lower = of_texts(str.lower, "string")
upper = of_texts(str.upper, "string")
trim = of_texts(str.strip, "string")
length = of_texts(len, "integer")
replace = of_texts(str.replace, "string")


def substring(source: Compiled, start: Compiled, number: Compiled | None = None) -> Compiled:
    """From a position, counted from 0; empty where the position lies outside of the text."""
    text, first = text_of(source), start.one
    count = None if number is None else number.one

    def evaluate(node: Item, scope: Scope) -> str | None:
        value, at = text(node, scope), first(node, scope)
        if value is None or at is None:
            return None
        size = len(value) if count is None else count(node, scope)
        if not isinstance(at, int) or not (size is None or isinstance(size, int)):
            raise EvaluationError("not_number")
        return value[at : at + max(len(value) if size is None else size, 0)] if 0 <= at < len(value) else None

    return of_one(evaluate, "string")


def to_string(source: Compiled) -> Compiled:
    """A primitive as text."""
    one = source.one

    def evaluate(node: Item, scope: Scope) -> str | None:
        value = one(node, scope)
        return None if value is None else written(value)

    return of_one(evaluate, "string")


def concatenated(left: Compiled, right: Compiled) -> Compiled:
    """`&`: a missing side counts as an empty text."""
    one, other = text_of(left), text_of(right)
    return of_one(lambda node, scope: (one(node, scope) or "") + (other(node, scope) or ""), "string")
