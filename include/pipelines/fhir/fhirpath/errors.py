"""What is wrong with an expression (once, when it is read) or with a resource under it (each time)."""

from __future__ import annotations

from typing import Literal

from include.warehouse.text_error import TextError

Cause = Literal[
    "arithmetic",  # a result with more digits than decimals have here
    "binary",  # no base64
    "complex",  # an object or list where a single plain value was declared
    "many_values",  # several values where one is expected
    "no_id",  # a resource without the id that its rows are kept under
    "not_boolean",
    "not_comparable",  # values of different kinds, or of a kind without order
    "not_number",
    "not_text",
    "not_temporal",  # no date, time or dateTime of FHIR
    "precision",  # a partial date where the column takes whole ones
    "too_deep",  # more levels than Python's stack takes
    "too_many_rows",
    "value_type",  # a value of another type than its column's
]
"""Stable names: rejects are grouped by them."""


class ExpressionError(TextError):
    """A mistake in an expression's text. Expressions are views' text and may be quoted."""

    @property
    def place(self) -> str:
        """Most expressions are of one line."""
        return f"line {self.line}, character {self.column}" if self.line > 1 else f"character {self.column}"


class EvaluationError(Exception):
    """A resource does not fit an expression. Names the kind of fault; never a value."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause: Cause = cause
