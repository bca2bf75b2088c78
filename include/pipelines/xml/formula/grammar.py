"""From a formula's text to its tree: an LALR grammar, so that the time taken is linear in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, cast, get_args

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from include.pipelines.xml.formula.syntax_errors import syntax_error
from include.pipelines.xml.formula.tree import (
    At,
    Case,
    Comparison,
    Condition,
    DateAdd,
    Expression,
    In,
    Is,
    Junction,
    Like,
    Literal,
    Name,
    Not,
    Operator,
    Unit,
    Value,
    descendants,
)
from include.pipelines.xml.mapping.conversions import MAX_DIGITS

MAX_DEPTH = 50
"""Levels of a tree: compiling and evaluating are recursive, and Python's stack has other users."""

GRAMMAR = r"""
start: value

?value: NAME                                                    -> name
      | NUMBER                                                  -> number
      | TEXT                                                    -> text
      | DATE                                                    -> date
      | (TRUE | FALSE | NULL)                                   -> word
      | DATEADD "(" NAME "," value "," value ")"                -> date_add
      | CASE when+ otherwise? _END                              -> case
      | "(" value ")"
when: _WHEN condition _THEN value
otherwise: _ELSE value

?condition: conjunction
          | conjunction (_OR conjunction)+                      -> any_of
?conjunction: negation
            | negation (_AND negation)+                         -> all_of
?negation: test
         | NOT negation                                         -> opposite
?test: value OPERATOR value                                     -> comparison
     | value NOT? LIKE TEXT                                     -> like
     | value NOT? IN "(" value ("," value)* ")"                 -> is_in
     | value IS NOT? (EMPTY | NULL)                             -> is_what
     | "(" condition ")"

NAME: /(?!(?:CASE|WHEN|THEN|ELSE|END|AND|OR|NOT|LIKE|IN|IS|TRUE|FALSE|NULL)(?![\w.]))[A-Z_]\w*(?:\.[A-Z_]\w*)?/i
NUMBER: /-?(?:\d+(?:\.\d*)?|\.\d+)/
TEXT: /'[^']*(?:''[^']*)*'/
DATE.3: /DATE\s*'[^']*'/i
DATEADD.3: /DATEADD(?=\s*\()/i
OPERATOR: "<>" | "<=" | ">=" | "=" | "<" | ">"

CASE.2: /CASE(?![\w.])/i
_WHEN.2: /WHEN(?![\w.])/i
_THEN.2: /THEN(?![\w.])/i
_ELSE.2: /ELSE(?![\w.])/i
_END.2: /END(?![\w.])/i
_AND.2: /AND(?![\w.])/i
_OR.2: /OR(?![\w.])/i
NOT.2: /NOT(?![\w.])/i
LIKE.2: /LIKE(?![\w.])/i
IN.2: /IN(?![\w.])/i
IS.2: /IS(?![\w.])/i
EMPTY.2: /EMPTY(?![\w.])/i
TRUE.2: /TRUE(?![\w.])/i
FALSE.2: /FALSE(?![\w.])/i
NULL.2: /NULL(?![\w.])/i

%ignore /\s+/
"""
"""Names may be words that mean something in their own place only (`date`, `empty`, `day`); the words that give a
formula its shape may not, or a forgotten value would be read as a name and the message point elsewhere."""

_is_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
"""`fromisoformat` takes more, such as days by week."""

_WORDS = {"TRUE": True, "FALSE": False, "NULL": None}


def parse_formula(text: str) -> Expression:
    """Raises `FormulaError` at the first token that does not fit. Safe to call from many threads at once."""
    try:
        value = cast("Value", _parser().parse(text))
    except UnexpectedInput as error:
        raise syntax_error(error, text) from None
    names: list[Name] = []
    around = At(1, 1, "")
    for node, depth in descendants(value):
        around = getattr(node, "at", around)
        if depth > MAX_DEPTH:
            raise around.error(f"the formula is more than {MAX_DEPTH} levels deep: split it over several fields")
        if isinstance(node, Name):
            names.append(node)
    return Expression(value, tuple(names))


@cache
def _parser() -> Lark:
    # ASCII, since the case of other scripts would let letters such as the Kelvin sign into keywords and names.
    return Lark(GRAMMAR, parser="lalr", transformer=_TreeBuilder(), maybe_placeholders=False, g_regex_flags=re.ASCII)


def _at(token: Token) -> At:
    return At(token.line or 1, token.column or 1, str(token))


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Any]):
    """Methods have the names of the grammar's rules and aliases; called while parsing, children first."""

    def start(self, value: Value) -> Value:
        return value

    def name(self, token: Token) -> Name:
        table, point, column = token.rpartition(".")
        at = _at(token)
        return Name(table if point else None, str(column), at.line, at.position)

    def number(self, token: Token) -> Literal:
        if len(token) > MAX_DIGITS:
            raise _at(token).error(f"a number has at most {MAX_DIGITS} digits")
        return Literal(Decimal(token) if "." in token else int(token), _at(token))

    def text(self, token: Token) -> Literal:
        return Literal(_unquoted(token), _at(token))

    def date(self, token: Token) -> Literal:
        written = token[token.index("'") + 1 : -1]
        try:
            if _is_day(written):
                return Literal(date.fromisoformat(written), _at(token))
        except ValueError:
            pass
        raise _at(token).error("this is no date: write DATE 'YYYY-MM-DD', of a day that exists")

    def word(self, token: Token) -> Literal:
        return Literal(_WORDS[token.upper()], _at(token))

    def date_add(self, token: Token, unit: Token, amount: Value, moment: Value) -> DateAdd:
        known = unit.lower()
        if known not in get_args(Unit):
            raise _at(unit).error(f"DATEADD has no such unit; units are {', '.join(get_args(Unit))}")
        return DateAdd(cast("Unit", known), amount, moment, _at(token))

    def when(self, condition: Condition, value: Value) -> tuple[Condition, Value]:
        return condition, value

    def otherwise(self, value: Value) -> Value:
        return value

    def case(self, token: Token, *parts: Any) -> Case:  # noqa: ANN401 - pairs, at the end maybe a value
        whens = tuple(part for part in parts if isinstance(part, tuple))
        return Case(whens, parts[-1] if len(whens) < len(parts) else None, _at(token))

    def any_of(self, *conditions: Condition) -> Junction:
        return Junction("OR", conditions)

    def all_of(self, *conditions: Condition) -> Junction:
        return Junction("AND", conditions)

    def opposite(self, token: Token, condition: Condition) -> Not:
        return Not(condition, _at(token))

    def comparison(self, left: Value, operator: Token, right: Value) -> Comparison:
        return Comparison(cast("Operator", str(operator)), left, right, _at(operator))

    def like(self, value: Value, *tokens: Token) -> Like:
        return Like(value, _unquoted(tokens[-1]), _negated(tokens), _at(tokens[-1]))

    def is_in(self, value: Value, *parts: Any) -> In:  # noqa: ANN401 - tokens, then values
        tokens = [part for part in parts if isinstance(part, Token)]
        return In(value, tuple(parts[len(tokens) :]), _negated(tokens), _at(tokens[-1]))

    def is_what(self, value: Value, *tokens: Token) -> Is:
        return Is(value, "NULL" if tokens[-1].type == "NULL" else "EMPTY", _negated(tokens), _at(tokens[-1]))


def _unquoted(token: Token) -> str:
    return token[1:-1].replace("''", "'")


def _negated(tokens: Sequence[Token]) -> bool:
    return any(token.type == "NOT" for token in tokens)
