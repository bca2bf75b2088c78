"""What is wrong with an expression (once, when it is read) or with a resource under it (each time)."""

from __future__ import annotations

from typing import Literal

LONGEST_TOKEN = 60
"""Characters of a token that are quoted."""

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


class ExpressionError(ValueError):
    """A mistake in an expression's text. Expressions are views' text and may be quoted."""

    def __init__(self, message: str, line: int, column: int, token: str) -> None:
        super().__init__(message, line, column, token)
        self.message = message
        self.line = line
        """From 1, within the expression."""
        self.column = column
        """From 1, in characters."""
        self.token = token if len(token) <= LONGEST_TOKEN else token[: LONGEST_TOKEN - 1] + "…"
        """As written; empty at the end of the text."""

    def __str__(self) -> str:
        place = f"line {self.line}, character {self.column}" if self.line > 1 else f"character {self.column}"
        return f"at {self.token} ({place}): {self.message}" if self.token else f"at the end ({place}): {self.message}"


class EvaluationError(Exception):
    """A resource does not fit an expression. Names the kind of fault; never a value."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause: Cause = cause
