"""`where` and `exists` against an interpreter that is plain enough to be believed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.fhir.fhirpath.compile import compile_expression

NAMES = ("a", "b", "code")
TEXTS = ("x", "y")

leaves = st.sampled_from([*TEXTS, 1, 2, True, False, None])
elements = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner)),
    max_leaves=12,
)
resources = st.dictionaries(st.sampled_from(NAMES), elements)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Any:
    """Nested tuples: what the interpreter walks, and what is written out for the compiler."""
    kind = draw(
        st.sampled_from(["equal", "exists", "empty"] if depth == 0 else ["equal", "exists", "empty", "and", "where"])
    )
    if kind == "equal":
        return (kind, draw(paths()), draw(st.sampled_from(TEXTS)))
    if kind in {"exists", "empty"}:
        return (kind, draw(paths()))
    if kind == "and":
        return (kind, draw(expressions(depth - 1)), draw(expressions(depth - 1)))
    return (kind, draw(paths()), draw(expressions(depth - 1)))


def paths() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple)


def written(node: Any) -> str:
    match node:
        case ("equal", path, text):
            return f"({'.'.join(path)} = '{text}')"
        case ("exists" | "empty" as name, path):
            return f"{'.'.join(path)}.{name}()"
        case ("and", left, right):
            return f"({written(left)} and {written(right)})"
        case ("where", path, criterion):
            return f"{'.'.join(path)}.where({written(criterion)}).exists()"
    raise AssertionError(node)


def values(item: Any, path: tuple[str, ...]) -> list[Any]:
    items = [item]
    for name in path:
        below = [each[name] for each in items if isinstance(each, dict) and name in each]
        items = [value for found in below for value in (found if isinstance(found, list) else [found])]
        items = [value for value in items if value is not None]
    return items


def interpreted(node: Any, item: Any) -> bool | None:
    match node:
        case ("equal", path, text):
            found = values(item, path)
            return found == [text] if found else None
        case ("exists", path):
            return len(values(item, path)) > 0
        case ("empty", path):
            return len(values(item, path)) == 0
        case ("and", left, right):
            both = (interpreted(left, item), interpreted(right, item))
            return False if False in both else None if None in both else True
        case ("where", path, criterion):
            return any(interpreted(criterion, value) is True for value in values(item, path))
    raise AssertionError(node)


@given(expressions(), resources)
def test_closures_give_what_the_plain_interpreter_gives(node: Any, resource: dict[str, Any]) -> None:
    compiled = compile_expression(written(node))
    assert compiled.one(resource, (resource, 0)) is interpreted(node, resource)
    assert list(compiled.many(resource, (resource, 0))) == [
        value for value in [interpreted(node, resource)] if value is not None
    ]


@given(paths(), resources)
def test_the_one_form_of_a_path_agrees_with_the_many_form(path: tuple[str, ...], resource: dict[str, Any]) -> None:
    compiled = compile_expression(".".join(path))
    found = values(resource, path)
    assert list(compiled.many(resource, (resource, 0))) == found
    if len(found) <= 1:
        assert compiled.one(resource, (resource, 0)) == (found[0] if found else None)
