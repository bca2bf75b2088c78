"""Steps along element names, in plain JSON: through lists, into choices of type and beside primitives."""

from __future__ import annotations

from collections.abc import Sequence

from include.pipelines.fhir.fhirpath.compiled import NOTHING, Compiled, Item, Many, One, Scope, Step, of_many, only
from include.pipelines.fhir.fhirpath.elements import CHOICES, PRIMITIVES, TYPE_OF_NAME, typed_name
from include.pipelines.fhir.fhirpath.errors import EvaluationError
from include.pipelines.fhir.fhirpath.types import of_kind

THIS = Compiled(lambda node, _scope: (node,), lambda node, _scope: node, single=True, steps=())


def member(source: Compiled, name: str) -> Compiled:
    """The elements of that name, in whatever type they are spelled."""
    return _member(source, (name, CHOICES.get(name)), TYPE_OF_NAME.get(name), by_name=True)


def typed_member(source: Compiled, name: str, type_name: str) -> Compiled:
    """The elements of that name which are of that type: JSON says so in the spelling, or there is no other type."""
    typed = _member(source, (typed_name(name, type_name), None), type_name, by_name=False)
    if type_name not in PRIMITIVES:
        return typed
    plain = of_kind(_member(source, (name, None), None, by_name=True), type_name)
    one, many, other_one, other_many = typed.one, typed.many, plain.one, plain.many

    own = typed.steps[0][0] if typed.steps is not None and len(typed.steps) == 1 else None

    def either(node: Item, scope: Scope) -> Item:
        if own is not None and isinstance(node, dict) and name not in node:
            value = node.get(own)
            if not isinstance(value, list):
                return value
        value = one(node, scope)
        return other_one(node, scope) if value is None else value

    return Compiled(lambda node, scope: many(node, scope) or other_many(node, scope), either, type_name)


def _member(source: Compiled, step: Step, kind: str | None, *, by_name: bool) -> Compiled:
    if source.steps is not None:
        steps = (*source.steps, step)
        many = _plain_many(steps)
        return Compiled(many, _plain_one(steps, many), kind, by_name, steps=steps)
    many = _step_many(source.many, step)
    return Compiled(many, _step_one(source.one, step) if source.single else only(many), kind, by_name)


def _value(node: Item, step: Step) -> Item:
    if not isinstance(node, dict):
        return None
    name, spellings = step
    value = node.get(name)
    return value if value is not None or spellings is None else _chosen(node, spellings)


def _chosen(node: dict[str, Item], spellings: frozenset[str]) -> Item:
    return next((value for name, value in node.items() if name in spellings), None)


def _next(nodes: Sequence[Item], step: Step) -> Sequence[Item]:
    name, spellings = step
    found: list[Item] = []
    for node in nodes:
        if not isinstance(node, dict):
            continue
        value = node.get(name)
        if value is None and spellings is not None:
            value = _chosen(node, spellings)
        if isinstance(value, list):
            found += value
        elif value is not None:
            found.append(value)
    # JSON arrays hold null where a primitive has an extension and no value.
    return [item for item in found if item is not None] if None in found else found


def _plain_many(steps: tuple[Step, ...]) -> Many:
    first, *others = steps

    def many(node: Item, _scope: Scope) -> Sequence[Item]:
        value = _value(node, first)
        if value is None:
            return NOTHING
        if not isinstance(value, list):
            nodes: Sequence[Item] = (value,)
        else:
            nodes = [item for item in value if item is not None] if None in value else value
        for step in others:
            nodes = _next(nodes, step)
        return nodes

    return many


def _plain_one(steps: tuple[Step, ...], many: Many) -> One:
    """Walks down as long as the way does not fork; almost all do not."""
    only_one = only(many)
    if len(steps) == 1 and steps[0][1] is None:
        return _own_one(steps[0][0], only_one)

    def one(node: Item, scope: Scope) -> Item:
        at = node
        for name, spellings in steps:
            if not isinstance(at, dict):
                return only_one(node, scope) if isinstance(at, list) else None
            value = at.get(name)
            if value is None:
                if spellings is None:
                    return None
                value = _value(at, (name, spellings))
            at = value[0] if isinstance(value, list) and len(value) == 1 else value
        return only_one(node, scope) if isinstance(at, list) else at

    return one


def _own_one(name: str, only_one: One) -> One:
    """An element of `$this`: most columns are."""

    def one(node: Item, scope: Scope) -> Item:
        value = node.get(name) if isinstance(node, dict) else None
        return only_one(node, scope) if isinstance(value, list) else value

    return one


def _step_many(source: Many, step: Step) -> Many:
    return lambda node, scope: _next(source(node, scope), step)


def _step_one(source: One, step: Step) -> One:
    def one(node: Item, scope: Scope) -> Item:
        value = _value(source(node, scope), step)
        if not isinstance(value, list):
            return value
        found = [item for item in value if item is not None]
        if len(found) > 1:
            raise EvaluationError("many_values")
        return found[0] if found else None

    return one


def joined(*parts: Compiled) -> Compiled:
    """The values of all parts, one part after the other."""
    sources = tuple(part.many for part in parts)
    return of_many(lambda node, scope: [item for many in sources for item in many(node, scope)])


def with_url(source: Compiled, url: One) -> Compiled:
    """Of extensions, those of that URL."""
    many = source.many
    own = source.steps == (("extension", None),)

    def matching(node: Item, scope: Scope) -> Sequence[Item]:
        found = node.get("extension") if own and isinstance(node, dict) else None
        if not isinstance(found, list):
            found = many(node, scope)
        if not found:
            return NOTHING
        wanted = url(node, scope)
        try:
            return [item for item in found if item.get("url") == wanted]
        except AttributeError:  # one of them is no object
            return [item for item in found if isinstance(item, dict) and item.get("url") == wanted]

    return of_many(matching)
