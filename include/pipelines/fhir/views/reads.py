"""Which elements of a resource views read, told from the trees of their expressions.

An element is taken for read where some view could read it: conditions are not evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from include.pipelines.fhir.fhirpath.elements import CHOICES, typed_name
from include.pipelines.fhir.fhirpath.grammar import parse
from include.pipelines.fhir.fhirpath.tree import Call, Index, Literal, Member, Node, Operation, This, Variable
from include.pipelines.fhir.fhirpath.types import type_named
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.definition import Select

Place = str
"""A pattern of paths from the resource, `name\\.family`; the resource itself is empty."""
Places = frozenset[Place]

RESOURCE: Places = frozenset({""})
NOWHERE: Places = frozenset()

HOUSE = (r"resourceType", r"id", r"meta\.versionId", r"meta\.lastUpdated")
"""What every record is made of."""

_PASSING = {"distinct", "first", "last", "single", "skip", "tail", "take"}
"""Functions that give some of what they are called on."""


@dataclass(slots=True)
class Reads:
    """What is read of one type of resource."""

    whole: set[Place] = field(default_factory=lambda: set(HOUSE))
    """With all that stands below."""
    exact: set[Place] = field(default_factory=set)
    """Without it: whether it is there at all."""
    roots: set[str] = field(default_factory=set)
    """The names of top-level elements that a path begins with."""

    def covers(self) -> Callable[[str], object]:
        """Tells of a path as `paths_in` gives it whether it is read."""
        if "" in self.whole:
            return lambda _path: True
        below, alone = "|".join(sorted(self.whole)), "|".join(sorted(self.exact))
        return re.compile(rf"(?:{below})(?:\..*)?" + (f"|(?:{alone})" if alone else "")).fullmatch


def reads_of(views: Iterable[CompiledView]) -> Reads:
    """Of views of one type, together."""
    reads = Reads()
    for view in views:
        reader = _Reader(view, reads)
        for where in view.definition.where:
            reader.take(reader.places(parse(where.path), RESOURCE))
        reader.selects(view.definition.select, RESOURCE)
    return reads


def root_elements(views: Iterable[CompiledView]) -> tuple[str, ...]:
    """The top-level elements to ask a server for; none where views may read any."""
    reads = reads_of(views)
    return () if "" in reads.whole else tuple(sorted({"id", "meta", *reads.roots}))


class _Reader:
    """Follows the expressions of one view."""

    def __init__(self, view: CompiledView, reads: Reads) -> None:
        self._reads = reads
        self._own_names = {view.resource, "Resource", "DomainResource"}
        self._constants = {constant.name: constant.value for constant in view.definition.constant}

    def selects(self, selects: Sequence[Select], focus: Places) -> None:
        """Of selects beside each other, and all that they hold."""
        for select in selects:
            inner = self._foci(select, focus)
            for column in select.column:
                self.take(self.places(parse(column.path), inner))
            self.selects((*select.select, *select.union_all), inner)

    def take(self, places: Places) -> None:
        """The values there are used."""
        self._reads.whole |= places

    def places(self, node: Node | None, focus: Places) -> Places:  # noqa: PLR0911 - one for each kind of node
        """Where the values of an expression stand; what it takes by the way is noted."""
        match node:
            case None | This():
                return focus
            case Member():
                return self._member(node, focus)
            case Call():
                return self._call(node, focus)
            case Index(source=source, index=index):
                self.take(self.places(index, focus))
                return self.places(source, focus)
            case Operation(operator="|", left=left, right=right) if left is not None:
                return self.places(left, focus) | self.places(right, focus)
            case Operation(left=left, right=right):
                for side in (left, right):
                    self.take(NOWHERE if side is None else self.places(side, focus))
                return NOWHERE
            case Variable(name=name):
                return RESOURCE if name == "resource" else NOWHERE
            case Literal():
                return NOWHERE

    def _foci(self, select: Select, focus: Places) -> Places:
        path = select.for_each or select.for_each_or_null
        if path is not None:
            return self.places(parse(path), focus)
        if not select.repeat:
            return focus
        steps = "|".join(sorted({place for path in select.repeat for place in self.places(parse(path), RESOURCE)}))
        return frozenset(_below(place, rf"(?:{steps})(?:\.(?:{steps}))*") for place in focus)

    def _member(self, node: Member, focus: Places) -> Places:
        if node.source is None and node.name in self._own_names:
            return focus
        return self._step(self.places(node.source, focus), node.name, *_spellings(node.name))

    def _step(self, places: Places, root: str, *names: str) -> Places:
        if "" in places:
            self._reads.roots.add(root)
        step = names[0] if len(names) == 1 else f"(?:{'|'.join(names)})"
        return frozenset(_below(place, step) for place in places)

    def _call(self, node: Call, focus: Places) -> Places:
        special = _SPECIAL.get(node.name)
        if special is not None:
            return special(self, node, focus)
        source = self.places(node.source, focus)
        for argument in node.arguments:
            self.take(self.places(argument, focus))
        if node.name in _PASSING:
            return source
        self.take(source)
        return NOWHERE

    def filtered(self, node: Call, focus: Places) -> Places:
        """`where`, and what looks whether something is there, with or without a criterion."""
        source = self.places(node.source, focus)
        for criterion in node.arguments:
            self.take(self.places(criterion, source))
        return source if node.name == "where" else self._look(source)

    def projected(self, node: Call, focus: Places) -> Places:
        """`select`."""
        return self.places(node.arguments[0], self.places(node.source, focus))

    def branched(self, node: Call, focus: Places) -> Places:
        """`iif`."""
        self.take(self.places(node.arguments[0], focus))
        return NOWHERE.union(*(self.places(branch, focus) for branch in node.arguments[1:]))

    def keyed(self, node: Call, focus: Places) -> Places:
        """The keys of resources and of references."""
        source = self.places(node.source, focus)
        for name in ("id",) if node.name == "getResourceKey" else ("reference", "type"):
            self.take(self._step(source, name, name))
        return NOWHERE

    def extended(self, node: Call, focus: Places) -> Places:
        """`extension`: those of one URL, where the view writes it out."""
        self.take(self.places(node.arguments[0], focus))
        url = self._text(node.arguments[0])
        names = _spellings("extension") if url is None else [re.escape(f"extension('{url}')")]
        found = self._step(self.places(node.source, focus), "extension", *names)
        self._look(self._step(found, "url", "url"))
        return found

    def typed(self, node: Call, focus: Places) -> Places:
        """`ofType`, `as`, `is`: an element is spelled with its type, or has only one."""
        named = type_named(node.arguments[0], node.at)
        if isinstance(node.source, Member):
            name = node.source.name
            found = self._step(self.places(node.source.source, focus), name, name, typed_name(name, named))
        else:
            found = self.places(node.source, focus)
        return self._look(found) if node.name == "is" else found

    def _look(self, places: Places) -> Places:
        self._reads.exact |= places - RESOURCE
        return NOWHERE

    def _text(self, node: Node) -> str | None:
        if isinstance(node, Literal):
            return str(node.value)
        constant = self._constants.get(node.name) if isinstance(node, Variable) else None
        return None if constant is None else str(constant)


_SPECIAL: dict[str, Callable[[_Reader, Call, Places], Places]] = {
    **dict.fromkeys(("all", "count", "empty", "exists", "where"), _Reader.filtered),
    **dict.fromkeys(("as", "is", "ofType"), _Reader.typed),
    **dict.fromkeys(("getReferenceKey", "getResourceKey"), _Reader.keyed),
    "extension": _Reader.extended,
    "iif": _Reader.branched,
    "select": _Reader.projected,
}
"""The other functions use the values that they are called on, or pass them on."""


def _below(place: Place, step: str) -> Place:
    return rf"{place}\.{step}" if place else step


def _spellings(name: str) -> list[str]:
    """An element may be spelled with its type; extensions stand under their URL."""
    if name == "extension":
        return [r"extension(?:\('[^']*'\))?"]
    return [re.escape(name), *sorted(CHOICES.get(name, ()))]
