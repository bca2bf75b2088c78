"""What is wrong with a formula, and where in it."""

from __future__ import annotations

from include.warehouse.text_error import TextError


class FormulaError(TextError):
    """A mistake in a formula's text. Formulas are contracts' text and may be quoted."""

    @property
    def place(self) -> str:
        """Beside the line of the contract, which the reader has too."""
        return f"{super().place} of the formula"
