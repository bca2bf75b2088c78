"""From the parser's complaint to a message that says the fix."""

from __future__ import annotations

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from include.pipelines.fhir.fhirpath.errors import ExpressionError

_CHARACTERS = {
    "'": "the text is not closed: end it with a quote (within a text, write \\')",
    '"': "texts stand in single quotes",
    "`": "the name is not closed: end it with a backtick",
    "@": "no date, dateTime or time: write @2015-02-04, @2015-02-04T14:34:28+09:00 or @T14:34:28",
    "$": "of the words with $, $this alone is supported",
    "%": "a constant or variable is written %name",
    "!": "not equal is written !=, and negation x.not()",
}

_SIGNS = {
    "COMMA": ",",
    "DOT": ".",
    "LPAR": "(",
    "RPAR": ")",
    "RSQB": "]",
    "RBRACE": "}",
    "$END": "the end of the expression",
}
_TERM, _OPERATOR = "NUMBER", "EQUALITY"


def syntax_error(error: UnexpectedInput, text: str) -> ExpressionError:
    """Where the text stops to be an expression, and what could stand there."""
    match error:
        case UnexpectedCharacters():
            fault = _CHARACTERS.get(error.char, "this character has no meaning here")
            return ExpressionError(fault, error.line, error.column, error.char)
        case UnexpectedToken() if error.token.type != "$END":
            return ExpressionError(_unexpected(error), error.line, error.column, str(error.token))
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return ExpressionError("the expression stops too early" if text.strip() else "it is empty", line, column, "")


def _unexpected(error: UnexpectedToken) -> str:
    expected = error.accepts or set()
    if error.token.type in {"STRING", "IDENTIFIER"} and _OPERATOR in expected:
        return "an operator is missing before it (quantities such as 4 days or 5 'mg' are not supported)"
    words = ["a value"] if _TERM in expected else []
    words += ["an operator"] if _OPERATOR in expected else []
    words += sorted(sign for kind, sign in _SIGNS.items() if kind in expected)
    return f"expected {' or '.join(words) or 'a name'}"
