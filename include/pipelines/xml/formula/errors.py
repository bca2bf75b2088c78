"""What is wrong with a formula, and where in it."""

from __future__ import annotations

LONGEST_TOKEN = 60
"""Characters of a token that are quoted."""


class FormulaError(ValueError):
    """A mistake in a formula's text; the message says the fix. Formulas are contracts' text and may be quoted."""

    def __init__(self, message: str, line: int, column: int, token: str) -> None:
        super().__init__(message, line, column, token)
        self.message = message
        self.line = line
        """From 1, within the formula's text."""
        self.column = column
        """From 1, in characters."""
        self.token = token if len(token) <= LONGEST_TOKEN else token[: LONGEST_TOKEN - 1] + "…"
        """As written; empty at the end of the text."""

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column} of the formula"
        return f"at {self.token} ({place}): {self.message}" if self.token else f"at the end ({place}): {self.message}"
