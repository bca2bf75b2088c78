"""From an expression's text to its tree: an LALR grammar, so that the time taken is linear in the text."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, lru_cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from include.pipelines.fhir.fhirpath.errors import ExpressionError
from include.pipelines.fhir.fhirpath.literals import temporal_literal, unquoted
from include.pipelines.fhir.fhirpath.syntax_errors import syntax_error
from include.pipelines.fhir.fhirpath.tree import (
    At,
    Call,
    Index,
    Literal,
    Member,
    Node,
    Operation,
    This,
    Variable,
    children,
)

MAX_DEPTH = 60
"""Levels of a tree: compiling and evaluating are recursive, and Python's stack has other users."""

MAX_CHARACTERS = 20_000

GRAMMAR = r"""
start: expression

?expression: disjunction
           | expression IMPLIES disjunction       -> operation
?disjunction: conjunction
            | disjunction (OR | XOR) conjunction  -> operation
?conjunction: membership
            | conjunction AND membership          -> operation
?membership: equality
           | membership (IN | CONTAINS) equality  -> operation
?equality: inequality
         | equality EQUALITY inequality           -> operation
?inequality: union
           | inequality INEQUALITY union          -> operation
?union: typed
      | union UNION typed                         -> operation
?typed: additive
      | typed (IS | AS) type_name                 -> type_test
?additive: multiplicative
         | additive (PLUS | MINUS | CONCATENATE) multiplicative -> operation
?multiplicative: signed
               | multiplicative (TIMES | DIVIDE | DIV | MOD) signed -> operation
?signed: postfix
       | (PLUS | MINUS) signed                    -> sign
?postfix: term
        | postfix "." name                        -> member
        | postfix "." name "(" arguments ")"      -> call
        | postfix LSQB expression "]"             -> index
?term: name                                       -> own_member
     | name "(" arguments ")"                     -> own_call
     | THIS                                       -> this
     | VARIABLE                                   -> variable
     | NUMBER                                     -> number
     | STRING                                     -> string
     | (DATETIME | DATE | TIME)                   -> temporal
     | (TRUE | FALSE)                             -> boolean
     | LBRACE "}"                                 -> empty
     | "(" expression ")"
arguments: (expression ("," expression)*)?
type_name: name ("." name)?
!name: IDENTIFIER | DELIMITED | AS | IS | IN | CONTAINS

IMPLIES.2: /implies\b/
OR.2: /or\b/
XOR.2: /xor\b/
AND.2: /and\b/
IN.2: /in\b/
CONTAINS.2: /contains\b/
IS.2: /is\b/
AS.2: /as\b/
DIV.2: /div\b/
MOD.2: /mod\b/
TRUE.2: /true\b/
FALSE.2: /false\b/
EQUALITY: "=" | "!=" | "~" | "!~"
INEQUALITY: "<=" | ">=" | "<" | ">"
UNION: "|"
PLUS: "+"
MINUS: "-"
CONCATENATE: "&"
TIMES: "*"
DIVIDE: "/"
LBRACE: "{"
LSQB: "["

THIS: "$this"
VARIABLE: /%(?:[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*')/
IDENTIFIER: /[A-Za-z_]\w*/
DELIMITED: /`(?:[^`\\]|\\.)*`/
STRING: /'(?:[^'\\]|\\.)*'/s
NUMBER: /\d+(?:\.\d+)?/
DATETIME.3: /@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?/
DATE.2: /@\d{4}(?:-\d\d(?:-\d\d)?)?/
TIME.2: /@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?/

%ignore /\s+/
%ignore /\/\/[^\n]*/
%ignore /\/\*.*?\*\//s
"""


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """Raises `ExpressionError` at the first token that does not fit. Safe to call from many threads at once."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"an expression has at most {MAX_CHARACTERS} characters", 1, 1, "")
    try:
        tree = cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        raise syntax_error(error, text) from None
    level: list[Node] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return tree
    raise level[0].at.error(f"the expression is more than {MAX_DEPTH} levels deep")


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_TreeBuilder(), maybe_placeholders=False, g_regex_flags=re.ASCII)


def _at(token: Token) -> At:
    return At(token.line or 1, token.column or 1, str(token))


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Node]):
    """Methods have the names of the grammar's rules and aliases; called while parsing, children first."""

    def start(self, node: Node) -> Node:
        return node

    def operation(self, left: Node, operator: Token, right: Node) -> Operation:
        return Operation(str(operator), left, right, _at(operator))

    def sign(self, operator: Token, right: Node) -> Operation:
        return Operation(str(operator), None, right, _at(operator))

    def type_test(self, source: Node, operator: Token, type_name: Node) -> Call:
        return Call(source, str(operator), (type_name,), _at(operator))

    def type_name(self, first: Token, second: Token | None = None) -> Member:
        named = Member(None, unquoted(first), _at(first))
        return named if second is None else Member(named, unquoted(second), _at(second))

    def member(self, source: Node, name: Token) -> Member:
        return Member(source, unquoted(name), _at(name))

    def own_member(self, name: Token) -> Member:
        return Member(None, unquoted(name), _at(name))

    def call(self, source: Node, name: Token, arguments: tuple[Node, ...]) -> Call:
        return Call(source, unquoted(name), arguments, _at(name))

    def own_call(self, name: Token, arguments: tuple[Node, ...]) -> Call:
        return Call(None, unquoted(name), arguments, _at(name))

    def arguments(self, *nodes: Node) -> tuple[Node, ...]:
        return nodes

    def index(self, source: Node, bracket: Token, index: Node) -> Index:
        return Index(source, index, _at(bracket))

    def name(self, token: Token) -> Token:
        return token

    def this(self, token: Token) -> This:
        return This(_at(token))

    def variable(self, token: Token) -> Variable:
        return Variable(unquoted(token, start=1), _at(token))

    def number(self, token: Token) -> Literal:
        if "." in token:
            return Literal(Decimal(token), "decimal", _at(token))
        return Literal(int(token), "integer", _at(token))

    def string(self, token: Token) -> Literal:
        return Literal(unquoted(token), "string", _at(token))

    def temporal(self, token: Token) -> Literal:
        return temporal_literal(_at(token))

    def boolean(self, token: Token) -> Literal:
        return Literal(token == "true", "boolean", _at(token))  # noqa: S105 - a word of the language

    def empty(self, brace: Token) -> Literal:
        return Literal(None, None, _at(brace))
