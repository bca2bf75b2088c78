"""From the parser's complaint to a message that says the fix."""

from __future__ import annotations

from collections.abc import Iterable

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from include.pipelines.xml.formula.errors import FormulaError

_CHARACTERS = {
    "'": "the text is not closed: end it with a quote (within a text, a quote is written twice)",
    '"': "texts stand in single quotes, names in none",
    "`": "names stand without quotes",
    "[": "names stand without brackets",
    "!": "not equal is written <>",
    ".": "a name is a column or table.column, and a number has one point",
    ";": "a formula ends without a sign",
    "|": "formulas do not join texts",
} | dict.fromkeys("+-*/%", "formulas have no arithmetic; a field holds what the document gives")

_RESERVED = {
    "CASE", "_WHEN", "_THEN", "_ELSE", "_END", "_AND", "_OR", "NOT", "LIKE", "IN", "IS", "TRUE", "FALSE", "NULL",
}  # fmt: skip

_SIGNS = {"LPAR": "(", "RPAR": ")", "COMMA": ",", "$END": "the end of the formula", "TEXT": "a text in quotes"}
_COMPARISON = {"OPERATOR", "LIKE", "IN", "IS"}


def syntax_error(error: UnexpectedInput, text: str) -> FormulaError:
    """Where the text stops to be a formula, and what could stand there."""
    match error:
        case UnexpectedCharacters():
            fault = _CHARACTERS.get(error.char, "this character has no meaning in a formula")
            return FormulaError(fault, error.line, error.column, error.char)
        case UnexpectedToken() if error.token.type != "$END":
            return FormulaError(_unexpected(error), error.line, error.column, str(error.token))
    expected = error.accepts if isinstance(error, UnexpectedToken) else set()
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    what = "stops too early" if text.strip() else "is empty"
    return FormulaError(f"the formula {what}; expected {_listed(expected or set())}", line, column, "")


def _unexpected(error: UnexpectedToken) -> str:
    expected, kind = error.accepts or set(), error.token.type
    message = f"expected {_listed(expected)}"
    if expected >= _COMPARISON and kind in {"_THEN", "_AND", "_OR", "RPAR"}:
        return f"{message}: a value alone is no condition (of a bit, write = TRUE)"
    if "$END" in expected and kind in {*_COMPARISON, "NOT"}:
        return f"{message}; a condition stands within CASE WHEN … THEN … ELSE … END"
    if kind == "LPAR" and "NAME" not in expected:
        return f"{message}; the only function is DATEADD(unit, number, value)"
    if kind in _RESERVED and "NAME" in expected:
        return f"{message}; a column of this name is written with its table: table.{str(error.token).lower()}"
    return message


def _listed(expected: Iterable[str]) -> str:
    """What may follow, in a reader's words."""
    left, words = set(expected), []
    if "NUMBER" in left:
        words.append("a condition" if "NOT" in left else "a value")
        left -= {"NUMBER", "TEXT", "NAME", "DATE", "DATEADD", "CASE", "TRUE", "FALSE", "NULL", "LPAR", "NOT"}
    if left >= _COMPARISON:
        words.append("a comparison (=, <>, <, >, <=, >=, [NOT] LIKE, [NOT] IN, IS)")
        left -= {*_COMPARISON, "NOT"}
    if "NAME" in left:
        words.append("a unit (day, month, year, hour, minute, second)")
        left -= {"NAME"}
    words += sorted(_SIGNS.get(kind, kind.lstrip("_")) for kind in left)
    return " or ".join(words)
