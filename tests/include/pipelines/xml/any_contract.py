"""Contracts that are sound by construction and use the whole language, and documents of the names that they know."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

SECRET = "PLANTED-9231"
ELEMENTS = ("A", "B", "C", "D1", "D2", "DThree")
ATTRIBUTES = ("k", "m")
TEXTS = st.one_of(
    st.sampled_from([SECRET, "", " ", "x", "y", "1", "7", "300", "-1", "1.5", "true", "9" * 30, "31.12.2024"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=9),
)  # fmt: skip
LITERALS: dict[str, list[Any]] = {
    "string(5)": ["x", "it's"],
    "text": ["x"],
    "tinyint": [0, 7],
    "int": [1, -3],
    "bigint": [12],
    "decimal(6,2)": [1, "1.50"],
    "float": [2],
    "bit": [True, False],
    "date": ["2024-02-29"],
    "datetime": ["2024-02-29T10:00:00"],
}
TYPES = sorted(LITERALS)
STEPS = {
    "string(5)": [["lower"], ["digits"], ["trim", {"lookup": {"x": "y"}, "otherwise": "keep"}], [{"constant": "z"}]],
    "int": [["first_number"], [{"lookup": "numbers", "otherwise": "null"}], [{"lookup": "numbers"}]],
    "bit": [[{"lookup": {"x": True, "y": False}, "otherwise": {"value": False}, "ignore_case": True}]],
    "date": [["date"], [{"date": ["%d.%m.%Y", "%Y-%m-%d"]}]],
}  # fmt: skip
FORMS = st.sampled_from(["{0}", "CASE WHEN {0} IS NULL THEN {0} ELSE {1} END", "CASE WHEN {0} = {1} THEN {0} END"])

Draft = dict[str, Any]


def paths(*, grouped: bool = False) -> st.SearchStrategy[str]:
    names = st.sampled_from([*ELEMENTS, *(["D{group}"] if grouped else [])])
    attribute = st.sampled_from(ATTRIBUTES).map("@{}".format)
    steps = st.lists(names, min_size=1, max_size=2).map("/".join)
    return st.one_of(steps, attribute, st.builds("{}/{}".format, steps, attribute), st.just("."))


def conditions(*, ranked: bool = False) -> st.SearchStrategy[list[Draft]]:
    among = st.builds(lambda path: {"path": path, "in": ["x", "1", "y"]}, paths())
    present = st.builds(lambda path: {"path": path, "present": True}, paths())
    return st.lists(st.one_of(among, present), max_size=1).flatmap(
        lambda found: among.map(lambda one: [one, *found]) if ranked else st.just(found)
    )


@st.composite
def selections(draw: st.DrawFn) -> dict[str, Draft]:
    found: dict[str, Draft] = {}
    for name in draw(st.sampled_from([(), ("s",), ("s", "u")])):
        take = draw(st.sampled_from(["first", "last", "priority"]))
        found[name] = {"path": draw(st.sampled_from(["A", "B/C", "."])), "take": take}
        found[name]["where"] = draw(conditions(ranked=take == "priority"))
        if name == "u":
            found[name]["from"] = "s"
    return found


@st.composite
def of_path(draw: st.DrawFn, name: str, chosen: list[str], *, grouped: bool) -> Draft:
    type_ = draw(st.sampled_from(TYPES))
    column: Draft = {"name": name, "type": type_, "path": draw(paths(grouped=grouped))}
    optional: dict[str, list[Any]] = {
        "default": LITERALS[type_],
        "repeated": ["reject", "first", "last"],
        "unparsable": ["null"],
        "fills": [False],
        "steps": STEPS.get(type_, []),
        "too_long": ["truncate"] if type_ == "string(5)" else [],
        "empty": ["text"] if type_ in ("string(5)", "text") else [],
        "trim": [False] if type_ in ("string(5)", "text") else [],
        "from": chosen,
    }
    for setting, values in optional.items():
        if values and draw(st.integers(0, 2)) == 0:
            column[setting] = draw(st.sampled_from(values))
    if "default" not in column and draw(st.integers(0, 9)) == 9:
        column["required"] = True
    return column


@st.composite
def calculated(draw: st.DrawFn, name: str, known: list[tuple[str, str]]) -> Draft:
    """Over columns of one type, by the names that formulas have for them."""
    type_ = draw(st.sampled_from(sorted({type_ for _, type_ in known})))
    same = st.sampled_from([other for other, other_type in known if other_type == type_])
    return {"name": name, "type": type_, "calculate": draw(FORMS).format(draw(same), draw(same))}


@st.composite
def tables(draw: st.DrawFn, index: int, before: list[Draft]) -> Draft:
    name = f"t{index}"
    kind = draw(st.sampled_from(["plain", "plain", "plain", "items", "groups", "filled"]))
    parents = [table for table in before if not table.keys() & {"items", "groups", "write"}]
    table: Draft = {"name": name, "rows": draw(st.sampled_from([".", "A", "A", "B/A"])), "row_number": f"{name}_no"}
    parent = draw(st.sampled_from([None, *parents]))
    if parent is not None:
        table["parent"] = parent["name"]
    table["where"] = draw(st.one_of(st.just([]), st.just([]), conditions()))
    table["selections"] = draw(selections())
    grouped = kind == "groups"
    values = [
        draw(of_path(f"c{number}", sorted(table["selections"]), grouped=grouped))
        for number in range(draw(st.integers(1, 4)))
    ]
    values.append({"name": "always", "type": "int", "constant": 3})
    if kind == "items":
        items = [{"name": text, "path": draw(paths())} for text in ("one", "two")]
        table |= {"items": items}
        values += [
            {"name": "v", "type": "text", "take": "item_value"},
            {"name": "w", "type": "text", "take": "item_name"},
        ]
    if grouped:
        table["groups"] = ["1", "2", {"name": "3", "element": "Three"}]
        values += [
            {"name": "v", "type": "tinyint", "take": "group_name"},
            {"name": "w", "type": "text", "path": "D{group}"},
        ]
    if kind == "filled":
        table["write"] = "filled"
        values.append({"name": "w", "type": "text", "path": draw(paths())})
    known = [(value["name"], value["type"]) for value in values]
    single = [other for other in before if is_single(other) and not other.keys() & {"items", "groups"}]
    for other in [*single, *([parent] if parent is not None else [])]:
        known += [(f"{other['name']}.{column['name']}", column["type"]) for column in other["columns"]]
    for number in range(draw(st.integers(0, 2))):
        values.append(draw(calculated(f"f{number}", known)))
        known.append((f"f{number}", values[-1]["type"]))
    if kind == "plain" and draw(st.booleans()):
        code = {"name": f"code{index}", "type": "string(5)", "path": draw(paths()), "default": "x", "repeated": "first"}
        values.append(code)
        keep = draw(st.sampled_from(["reject", "first", "last"]))
        table |= {"primary_key": ["doc_id", code["name"]], "duplicates": keep}
    cut = draw(st.integers(0, 1))
    written = draw(st.permutations(values))
    # Keys are columns, and so is what fills rows of groups, or of tables that write filled ones alone.
    hidden = [value for value in written[:cut] if not value["name"].startswith(("code", "w"))]
    table |= {"fields": hidden, "columns": [value for value in written if value not in hidden]}
    return table


def is_single(table: Draft) -> bool:
    return table["rows"] == "." and "parent" not in table


@st.composite
def contracts(draw: st.DrawFn) -> Draft:
    found: list[Draft] = []
    for index in range(draw(st.integers(1, 3))):
        found.append(draw(tables(index, found)))
    # What is referred to writes its one row always, under its own row number.
    rare = {"primary_key", "items", "groups", "write"}
    plain = [table["name"] for table in found if is_single(table) and not table.keys() & rare]
    root = plain[0] if plain else None
    for table in found:
        if root is not None and table["name"] > root and draw(st.booleans()):
            table["references"] = [{"columns": ["doc_id", "always_no"], "table": root, "to": ["doc_id", f"{root}_no"]}]
            table["columns"] = [*table["columns"], {"name": "always_no", "type": "int", "constant": 1}]
    return {
        "contract": "any", "version": 1, "root": "Doc", "key": {"column": "doc_id", "type": "bigint"},
        "enumerations": {"numbers": {"x": 1, "y": 2}}, "tables": draw(st.permutations(found)),
    }  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, name: str, depth: int) -> str:
    attributes = "".join(
        f" {attribute}={quoteattr(draw(TEXTS))}" for attribute in draw(st.sets(st.sampled_from(ATTRIBUTES)))
    )
    # Rows come from A and B, so these are frequent.
    inner = draw(st.lists(st.sampled_from([*"AAABBB", *ELEMENTS]), min_size=2, max_size=5)) if depth else []
    content = "".join([draw(elements(child, depth - 1)) for child in inner]) or escape(draw(TEXTS))
    return f"<{name}{attributes}>{content}</{name}>"


DOCUMENTS = elements("Doc", 2)
