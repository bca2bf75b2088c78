"""Formulas of calculated columns: parsed by a grammar, checked by type, compiled to closures. See CONTRACT.md.

    expression = parse_formula("CASE WHEN status IN ('A', 'B') THEN amount ELSE 0 END")
    evaluate = compile_formula(expression, resolve, parse_type("decimal(12,2)"))
    evaluate((row,))

Whatever is wrong with a formula's text, names or types raises `FormulaError` in one of the first two lines.
"""

from __future__ import annotations

from collections.abc import Callable

from include.pipelines.xml.formula.closures import Evaluate
from include.pipelines.xml.formula.compile import compile_value
from include.pipelines.xml.formula.errors import FormulaError
from include.pipelines.xml.formula.grammar import parse_formula
from include.pipelines.xml.formula.tree import Expression, Name
from include.pipelines.xml.formula.types import WORDS, FieldRef, Want, family_of, form_of
from include.pipelines.xml.language.column_types import ColumnType

__all__ = ["Evaluate", "Expression", "FieldRef", "FormulaError", "Name", "compile_formula", "parse_formula"]


def compile_formula(
    expression: Expression, resolve: Callable[[str | None, str], FieldRef | None], result: ColumnType
) -> Evaluate:
    """The formula as a function of frames: frame 0 is the own row, others rows of other tables or None.

    Values in frames have the Python type of their column, or are None; so is what the function returns. It may raise
    `Unfit` (a number that is not whole for a whole column, a date beyond the calendar), which quotes no value. Ranges,
    lengths and scales of results are the warehouse's to check, apart from literals, which are checked here.
    Safe to call from many threads at once.

    `resolve` is given table (None: not written) and column as the formula spells them, and ignores case.
    """

    def resolved(name: Name) -> FieldRef:
        ref = resolve(name.table, name.column)
        if ref is None:
            raise name.at.error("there is no such column or field: correct the name, or add it to fields")
        return ref

    form = form_of(result.kind)
    want = Want(form, f"the column takes {WORDS[family_of(form)]}", result)
    return compile_value(expression.value, want, resolved).read
