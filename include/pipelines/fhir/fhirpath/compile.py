"""From an expression's tree to closures."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import partial

from include.pipelines.fhir.fhirpath.compiled import EMPTY, Compiled, of_one
from include.pipelines.fhir.fhirpath.elements import PRIMITIVES, typed_name
from include.pipelines.fhir.fhirpath.equality import distinct, equals, is_in, negated
from include.pipelines.fhir.fhirpath.functions import FUNCTIONS
from include.pipelines.fhir.fhirpath.grammar import parse
from include.pipelines.fhir.fhirpath.keys import get_reference_key
from include.pipelines.fhir.fhirpath.logic import and_, implies, or_, xor
from include.pipelines.fhir.fhirpath.numbers import CALCULATIONS, calculated, signed
from include.pipelines.fhir.fhirpath.ordering import ORDERS, ordered
from include.pipelines.fhir.fhirpath.paths import THIS, joined, member, typed_member, with_url
from include.pipelines.fhir.fhirpath.strings import concatenated
from include.pipelines.fhir.fhirpath.subsetting import at_index
from include.pipelines.fhir.fhirpath.tree import Call, Index, Literal, Member, Node, Operation, This, Variable
from include.pipelines.fhir.fhirpath.types import is_resource, is_type, of_kind, type_named

ENVIRONMENT: dict[str, Compiled] = {
    "resource": Compiled(lambda _node, scope: (scope[0],), lambda _node, scope: scope[0], single=True),
    "rowIndex": of_one(lambda _node, scope: scope[1], "integer"),
    "ucum": of_one(lambda _node, _scope: "http://unitsofmeasure.org", "string"),
    "sct": of_one(lambda _node, _scope: "http://snomed.info/sct", "string"),
    "loinc": of_one(lambda _node, _scope: "http://loinc.org", "string"),
}
"""Variables that every expression has."""

_TREE_FUNCTIONS = {"as": (1, 1), "extension": (1, 1), "getReferenceKey": (0, 1), "is": (1, 1), "ofType": (1, 1)}
_OPERATORS: dict[str, Callable[[Compiled, Compiled], Compiled]] = {
    **{sign: partial(calculated, sign) for sign in CALCULATIONS},
    **{sign: partial(ordered, sign) for sign in ORDERS},
    "&": concatenated,
    "and": and_,
    "contains": lambda left, right: is_in(right, left),
    "implies": implies,
    "in": is_in,
    "or": or_,
    "xor": xor,
    "|": lambda left, right: distinct(joined(left, right)),
}
"""All but equality, which looks at literals."""


def compile_expression(text: str, constants: Mapping[str, Literal] | None = None, resource: str = "") -> Compiled:
    """`constants` are the view's, by name; `resource` is the type whose name may begin a path.

    Raises `ExpressionError`.
    """
    return compile_tree(parse(text), constants, resource)


def compile_tree(tree: Node, constants: Mapping[str, Literal] | None = None, resource: str = "") -> Compiled:
    """The same, for an expression that is parsed."""
    return _Compiler(constants or {}, resource).part(tree)


def literal(node: Literal) -> Compiled:
    """A value that is the same everywhere."""
    value = node.value
    if value is None:
        return EMPTY
    return of_one(lambda _node, _scope: value, node.type)


class _Compiler:
    """Holds what all parts of one expression share."""

    def __init__(self, constants: Mapping[str, Literal], resource: str) -> None:
        self._constants = constants
        self._resource = resource

    def part(self, node: Node) -> Compiled:  # noqa: PLR0911 - one for each kind of node
        match node:
            case Literal():
                return literal(node)
            case This():
                return THIS
            case Variable():
                return self._variable(node)
            case Member():
                return self._member(node)
            case Call():
                return self._call(node)
            case Index(source=source, index=index):
                return at_index(self.part(source), self.part(index))
            case Operation():
                return self._operation(node)

    def _source(self, node: Node | None) -> Compiled:
        return THIS if node is None else self.part(node)

    def _variable(self, node: Variable) -> Compiled:
        if node.name in self._constants:
            return literal(self._constants[node.name])
        if node.name in ENVIRONMENT:
            return ENVIRONMENT[node.name]
        known = ", ".join(f"%{name}" for name in dict.fromkeys((*self._constants, *ENVIRONMENT)))
        raise node.at.error(f"there is no such constant; there are {known}")

    def _member(self, node: Member) -> Compiled:
        if node.source is None and node.name in {self._resource, "Resource", "DomainResource"} - {""}:
            return THIS
        elements = member(self._source(node.source), node.name)
        beside = _beside(node.source) if node.name in {"extension", "id"} else None
        return elements if beside is None else joined(elements, member(self.part(beside), node.name))

    def _call(self, node: Call) -> Compiled:
        if node.name in _TREE_FUNCTIONS:
            self._check_arguments(node, *_TREE_FUNCTIONS[node.name])
            return self._tree_call(node)
        function = FUNCTIONS.get(node.name)
        if function is None:
            near = difflib.get_close_matches(node.name, [*FUNCTIONS, *_TREE_FUNCTIONS], n=1)
            hint = f"did you mean {near[0]}()?" if near else f"there are {', '.join(sorted(FUNCTIONS))}"
            raise node.at.error(f"the function {node.name}() is not supported; {hint}")
        if function.alone and node.source is not None:
            raise node.at.error(f"{node.name}() is called on nothing: write {node.name}(…)")
        self._check_arguments(node, function.least, function.most)
        arguments = [self.part(argument) for argument in node.arguments]
        return function.build(self._source(node.source), *arguments)

    def _check_arguments(self, node: Call, least: int, most: int) -> None:
        if not least <= len(node.arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise node.at.error(f"{node.name}() takes {wanted} arguments, got {len(node.arguments)}")

    def _tree_call(self, node: Call) -> Compiled:
        source, arguments = node.source, node.arguments
        match node.name:
            case "extension":
                extensions = self._member(Member(source, "extension", node.at))
                return with_url(extensions, self.part(arguments[0]).one)
            case "getReferenceKey":
                named = type_named(arguments[0], node.at) if arguments else None
                if named is not None and not is_resource(named):
                    raise arguments[0].at.error("a reference leads to a resource; this is a type of values")
                return get_reference_key(self._source(source), named)
            case "is":
                return is_type(self._source(source), self._of_type(node))
            case _:
                return self._of_type(node)

    def _of_type(self, node: Call) -> Compiled:
        named = type_named(node.arguments[0], node.at)
        if isinstance(node.source, Member) and not is_resource(named):
            return typed_member(self._source(node.source.source), node.source.name, named)
        if not is_resource(named) and named not in PRIMITIVES:
            raise node.at.error(f"a {named} is told by its element's name: write element.ofType({named})")
        return of_kind(self._source(node.source), named)

    def _operation(self, node: Operation) -> Compiled:
        sign, right = node.operator, self.part(node.right)
        if node.left is None:
            return signed(sign, right)
        left = self.part(node.left)
        if sign in {"=", "!="}:
            equal = equals(left, right, self._value_of(node.right))
            return equal if sign == "=" else negated(equal)
        if sign not in _OPERATORS:
            raise node.at.error(f"the operator {sign} is not supported")
        return _OPERATORS[sign](left, right)

    def _value_of(self, node: Node) -> object:
        if isinstance(node, Variable):
            constant = self._constants.get(node.name)
            return None if constant is None else constant.value
        return node.value if isinstance(node, Literal) else None


def _beside(node: Node | None) -> Node | None:
    """Where JSON keeps id and extensions of a primitive element: under its name with a `_` before it.

    Found directly after the element only (`birthDate.extension(…)`), not behind `first()` or an index: lists of
    primitives and of what stands beside them are two lists. A primitive without a value counts as not there.
    """
    match node:
        case Member(source=source, name=name, at=at):
            return Member(source, f"_{name}", at)
        case Call(source=Member(source=source, name=name), name="ofType", arguments=(Member(name=named),), at=at):
            return Member(source, f"_{typed_name(name, named)}", at)
    return None


def shows_row_index(tree: Node) -> bool:
    """Whether an expression is `%rowIndex` alone, which has a value also where there is no row."""
    return isinstance(tree, Variable) and tree.name == "rowIndex"
