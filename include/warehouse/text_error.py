"""What is wrong with the text of an expression, and where in it."""

from __future__ import annotations

LONGEST_TOKEN = 60
"""Characters of a token that are quoted."""


class TextError(ValueError):
    """A mistake in an expression's text, which its author wrote and may see quoted; the message says the fix."""

    def __init__(self, message: str, line: int, column: int, token: str) -> None:
        super().__init__(message, line, column, token)
        self.message = message
        self.line = line
        """From 1, within the expression."""
        self.column = column
        """From 1, in characters."""
        self.token = token if len(token) <= LONGEST_TOKEN else token[: LONGEST_TOKEN - 1] + "…"
        """As written; empty at the end of the text."""

    @property
    def place(self) -> str:
        """Line and column in words."""
        return f"line {self.line}, column {self.column}"

    def __str__(self) -> str:
        return f"at {self.token or 'the end'} ({self.place}): {self.message}"
