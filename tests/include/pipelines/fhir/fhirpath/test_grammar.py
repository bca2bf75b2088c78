from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.fhirpath.errors import ExpressionError
from include.pipelines.fhir.fhirpath.grammar import MAX_CHARACTERS, MAX_DEPTH, parse
from include.pipelines.fhir.fhirpath.tree import Call, Index, Literal, Member, Node, Operation, This, Variable


def shape(node: Node) -> str:  # noqa: PLR0911 - one for each kind of node
    """With brackets around every operation."""
    match node:
        case Literal(value=value):
            return "{}" if value is None else repr(value)
        case This():
            return "$this"
        case Variable(name=name):
            return f"%{name}"
        case Member(source=None, name=name):
            return name
        case Member(source=source, name=name) if source is not None:
            return f"{shape(source)}.{name}"
        case Call(source=source, name=name, arguments=arguments):
            before = "" if source is None else f"{shape(source)}."
            return f"{before}{name}({', '.join(map(shape, arguments))})"
        case Index(source=source, index=index):
            return f"{shape(source)}[{shape(index)}]"
        case Operation(operator=operator, left=left, right=right):
            return f"({'' if left is None else shape(left) + ' '}{operator} {shape(right)})"
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b.c", "a.b.c"),
        ("a or b and c", "(a or (b and c))"),
        ("a implies b or c", "(a implies (b or c))"),
        ("a = b and c != d", "((a = b) and (c != d))"),
        ("a < b = c", "((a < b) = c)"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a | b = c", "((a | b) = c)"),
        ("a in b or c contains d", "((a in b) or (c contains d))"),
        ("-a.b[0]", "(- a.b[0])"),
        ("a is Quantity", "a.is(Quantity)"),
        ("a as FHIR.string", "a.as(FHIR.string)"),
        ("a & b & 'c'", "((a & b) & 'c')"),
        ("7 div 2 mod 3", "((7 div 2) mod 3)"),
        ("name.where(use = 'official').given[0]", "name.where((use = 'official')).given[0]"),
        ("expansion.contains.code", "expansion.contains.code"),
        ("`a b`.c", "a b.c"),
        ("%`a b`", "%a b"),
        ("{}", "{}"),
        ("$this // a remark\n /* another */ .x", "$this.x"),
        (r"'it\'s \u0041\n'", repr("it's A\n")),
        ("order.android.index", "order.android.index"),
        ("@2015-02-04T14:34:28.123+09:00", repr("2015-02-04T14:34:28.123+09:00")),
        ("@2015T", repr("2015")),
        ("@T14:34", repr("14:34")),
    ],
)
def test_operators_bind_as_the_specification_says(text: str, expected: str) -> None:
    assert shape(parse(text)) == expected


def test_literals_have_the_types_that_they_are_written_in() -> None:
    written = {"1": "integer", "1.0": "decimal", "'x'": "string", "true": "boolean", "@2015": "date"}
    written |= {"@2015-01-01T": "dateTime", "@T10": "time"}
    for text, kind in written.items():
        node = parse(text)
        assert isinstance(node, Literal)
        assert node.type == kind
    exact = parse("1.50")
    assert isinstance(exact, Literal)
    assert str(exact.value) == str(Decimal("1.50"))


@pytest.mark.parametrize(
    ("text", "column", "token", "message"),
    [
        ("@@", 1, "@", "no date"),
        ("name..x", 6, ".", "expected a name"),
        ("name.where(", 12, "", "stops too early"),
        ("", 1, "", "it is empty"),
        ("4 days", 3, "days", "quantities"),
        ("value > 5 'mg'", 11, "'mg'", "quantities"),
        ("$index", 1, "$", "$this alone"),
        ("name = 'x", 8, "'", "not closed"),
        ('name = "x"', 8, '"', "single quotes"),
        ("@2015-02-30", 1, "@2015-02-30", "no such date"),
        ("a <> b", 4, ">", "expected a value"),
        ("a)", 2, ")", "expected the end"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, column: int, token: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert (raised.value.line, raised.value.column, raised.value.token) == (1, column, token)
    assert message in raised.value.message


def test_a_mistake_on_a_later_line_says_the_line() -> None:
    with pytest.raises(ExpressionError, match="line 2, character 3"):
        parse("a.b and\n  = c")


def test_expressions_are_bounded_in_length_and_depth() -> None:
    with pytest.raises(ExpressionError, match="levels deep"):
        parse("a" + ".b" * (MAX_DEPTH + 1))
    with pytest.raises(ExpressionError, match="characters"):
        parse("a" * (MAX_CHARACTERS + 1))


@given(st.text(alphabet="ab1.'`%$@()[]{}=<>!|&+-*/ \\T:or", max_size=40))
def test_any_text_is_an_expression_or_a_mistake_with_a_place(text: str) -> None:
    try:
        tree = parse(text)
    except ExpressionError as error:
        place = (error.line, error.column)
    else:
        place = tree.at[:2]
    assert place >= (1, 1)
