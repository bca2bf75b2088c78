from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from include.engine.errors import RecordRejected, SettingsError
from include.engine.model import Rows

MapDocument = Callable[..., Rows]


def base(*columns: Any, **more: Any) -> dict[str, Any]:
    return {"name": "base", "columns": list(columns), **more}


def child(*columns: Any, **more: Any) -> dict[str, Any]:
    own = {"name": "child", "parent": "base", "rows": "Cs/C", "row_number": "child_no", "columns": list(columns)}
    return {**own, **more}


@pytest.mark.parametrize(
    ("document", "column", "value"),
    [
        ("<Doc><a>x</a></Doc>", ("v", "a"), "x"),
        ("<Doc><a>  x y\n</a></Doc>", ("v", "a"), "x y"),
        ("<Doc><a>\u00a0x</a></Doc>", ("v", "a"), "\u00a0x"),
        ("<Doc><a> x </a></Doc>", ("v", "a", "text", {"trim": False}), " x "),
        ("<Doc><a/></Doc>", ("v", "a"), None),
        ("<Doc><a>  </a></Doc>", ("v", "a"), None),
        ("<Doc/>", ("v", "a"), None),
        ("<Doc><a/></Doc>", ("v", "a", "text", {"empty": "text"}), ""),
        ("<Doc/>", ("v", "a", "text", {"empty": "text"}), None),
        ("<Doc><a><![CDATA[<x>]]></a></Doc>", ("v", "a"), "<x>"),
        ("<Doc><a>x<!-- c -->y</a></Doc>", ("v", "a"), "xy"),
        ("<Doc><a>&amp;&#x41;</a></Doc>", ("v", "a"), "&A"),
        ("<Doc><a><b><c>x</c></b></a></Doc>", ("v", "a/b/c"), "x"),
        ("<Doc v=' x '/>", ("v", "@v"), "x"),
        ("<Doc><a v='x'>y</a></Doc>", ("v", "a/@v"), "x"),
        ("<Doc v=''/>", ("v", "@v"), None),
        ("<Doc>own<a/>text</Doc>", ("v", "."), "owntext"),
        ("<Doc><b>other</b><a>x</a></Doc>", ("v", "a"), "x"),
        ("<Doc><b><a>deeper</a></b></Doc>", ("v", "a"), None),
        ("<Doc><a>12</a></Doc>", ("v", "a", "int"), 12),
        ("<Doc><a> 12.50 </a></Doc>", ("v", "a", "decimal(5,2)"), Decimal("12.50")),
        ("<Doc><a>2024-02-29</a></Doc>", ("v", "a", "date"), date(2024, 2, 29)),
        ("<Doc><a>false</a></Doc>", ("v", "a", "bit"), False),
        ("<Doc/>", ("v", "a", "bit", {"default": False}), False),
        ("<Doc><a/></Doc>", ("v", "a", "date", {"default": "2024-01-01"}), date(2024, 1, 1)),
        ("<Doc><a>0</a></Doc>", ("v", "a", "int", {"default": 7}), 0),
        ("<Doc><a>x</a><a>y</a></Doc>", ("v", "a", "text", {"repeated": "first"}), "x"),
        ("<Doc><a>x</a><a>y</a></Doc>", ("v", "a", "text", {"repeated": "last"}), "y"),
        ("<Doc><a/><a>y</a></Doc>", ("v", "a"), "y"),
        ("<Doc><g><a>x</a></g><g><a>y</a></g></Doc>", ("v", "g/a", "text", {"repeated": "last"}), "y"),
    ],
)
def test_a_value_is_found_by_its_path(rows_of: MapDocument, document: str, column: Any, value: object) -> None:
    assert rows_of(document, base(column)) == {"base": [(1, value)]}


@pytest.mark.parametrize(
    ("document", "column", "code", "words"),
    [
        ("<Doc><a>x</a></Doc>", ("v", "a", "int"), "xml.value", "base.v (a): is no whole number"),
        ("<Doc><a v='x'/></Doc>", ("v", "a/@v", "date"), "xml.value", "base.v (a/@v): is no date"),
        ("<Doc><a>1<b>2</b></a></Doc>", ("v", "a"), "xml.value", "base.v (a): holds elements"),
        ("<Doc><a><b>2</b></a></Doc>", ("v", "a"), "xml.value", "base.v (a): holds elements"),
        ("<Doc><a> </a></Doc>", ("v", "a", "int", {"required": True}), "xml.required", "base.v (a): required"),
        ("<Doc/>", ("v", "a/b", "int", {"required": True}), "xml.required", "base.v (a/b): required"),
        ("<Doc><a>x</a><a>y</a></Doc>", ("v", "a"), "xml.repeated", "base.v (a): the path finds several"),
        ("<Other/>", ("v", "a"), "xml.root", "not Doc"),
        ("<Doc xmlns='urn:x'/>", ("v", "a"), "xml.root", "not Doc"),
    ],
)
def test_what_does_not_fit_is_a_reject_that_names_column_and_path(
    rows_of: MapDocument, document: str, column: Any, code: str, words: str
) -> None:
    with pytest.raises(RecordRejected) as raised:
        rows_of(document, base(column))
    assert raised.value.code == code
    assert words in raised.value.message


def test_repeated_elements_become_rows_numbered_within_their_parent(rows_of: MapDocument) -> None:
    document = """<Doc><Cs><C k="1"><Ds><D>a</D><D>b</D></Ds></C></Cs><other/>
                  <Cs><C k="2"/><C k="3"><Ds><D>c</D></Ds></C></Cs></Doc>"""
    grandchild = {"name": "leaf", "parent": "child", "rows": "Ds/D", "row_number": "n", "columns": [("v", ".")]}
    # Children stand before parents here: the order in the file does not matter.
    rows = rows_of(document, grandchild, child(("k", "@k", "int")), base(), record_key=9)
    assert rows == {
        "base": [(9,)],
        "child": [(9, 1, 1), (9, 2, 2), (9, 3, 3)],
        "leaf": [(9, 1, 1, "a"), (9, 1, 2, "b"), (9, 3, 1, "c")],
    }
    assert list(rows) == ["base", "child", "leaf"]


def test_a_parents_key_from_the_document_is_carried_down(rows_of: MapDocument) -> None:
    # The key stands after the children in the document: rows are completed when all of it is read.
    document = "<Doc><Cs><C><Ds><D>x</D></Ds><id>7</id></C></Cs></Doc>"
    parent = child(("ref", "id", "int", {"required": True}), primary_key=["doc_id", "ref"], row_number=None)
    leaf = {"name": "leaf", "parent": "child", "rows": "Ds/D", "row_number": "n", "columns": [("v", ".")]}
    assert rows_of(document, base(), parent, leaf)["leaf"] == [(1, 7, 1, "x")]


def test_rows_of_one_document_with_the_same_key_are_a_reject(rows_of: MapDocument) -> None:
    document = "<Doc><Cs><C><id>7</id></C><C><id>7</id></C></Cs></Doc>"
    parent = child(("ref", "id", "int", {"required": True}), primary_key=["doc_id", "ref"], row_number=None)
    with pytest.raises(RecordRejected) as raised:
        rows_of(document, base(), parent)
    assert raised.value.code == "xml.duplicate_key"


def test_one_element_can_give_rows_to_several_tables_and_columns(rows_of: MapDocument) -> None:
    document = "<Doc><Cs><C t='2024-01-02'>5</C></Cs></Doc>"
    second = {**child(("as_text", "."), ("as_int", ".", "int")), "name": "second"}
    side = {"name": "side", "parent": "base", "rows": ".", "columns": [("c", "Cs/C"), ("t", "Cs/C/@t", "date")]}
    assert rows_of(document, base(("c", "Cs/C", "int")), child(("t", "@t")), second, side) == {
        "base": [(1, 5)],
        "child": [(1, 1, "2024-01-02")],
        "second": [(1, 1, "5", 5)],
        "side": [(1, "5", date(2024, 1, 2))],
    }


def test_namespaces_are_matched_by_uri_and_the_empty_prefix_is_that_of_elements_only(rows_of: MapDocument) -> None:
    document = """<z:Doc xmlns:z="urn:one" xmlns="urn:two" z:k="q" k="plain"><z:a>1</z:a><a>2</a></z:Doc>"""
    rows = rows_of(
        document,
        base(("one", "p:a"), ("two", "a"), ("q", "@p:k"), ("plain", "@k")),
        root="p:Doc",
        namespaces={"p": "urn:one", "": "urn:two"},
    )
    assert rows == {"base": [(1, "1", "2", "q", "plain")]}


@pytest.mark.parametrize(
    ("document", "key_type", "key", "fault"),
    [
        ("<Doc id='7'/>", "bigint", 7, None),
        ("<Doc id=' 007 '/>", "bigint", 7, None),
        ("<Doc id='A7'/>", "string(9)", "A7", None),
        ("<Doc id='8'/>", "bigint", 7, "doc_id (@id) is not the key that the source has"),
        ("<Doc/>", "bigint", 7, "doc_id (@id) has no value"),
        ("<Doc id='x'/>", "bigint", 7, "doc_id (@id): is no whole number"),
    ],
)
def test_the_documents_key_must_be_the_sources(
    rows_of: MapDocument, document: str, key_type: str, key: int | str, fault: str | None
) -> None:
    declared = {"column": "doc_id", "type": key_type, "path": "@id"}
    if fault is None:
        assert rows_of(document, base(), record_key=key, key=declared) == {"base": [(key,)]}
        return
    with pytest.raises(RecordRejected) as raised:
        rows_of(document, base(), record_key=key, key=declared)
    assert raised.value.message.startswith(fault)


def test_keys_of_another_kind_than_the_contracts_stop_the_batch(rows_of: MapDocument) -> None:
    with pytest.raises(SettingsError, match=r"key\.type"):
        rows_of("<Doc/>", base(), record_key="text")


def test_an_element_that_no_path_enters_is_not_looked_into(rows_of: MapDocument) -> None:
    deep = "<x>" * 200 + "<a>no</a>" + "</x>" * 200
    assert rows_of(f"<Doc>{deep}<a>yes</a></Doc>", base(("v", "a"))) == {"base": [(1, "yes")]}


def test_no_message_quotes_the_document(rows_of: MapDocument) -> None:
    secret = "PLANTED-9231"
    types = ("int", "decimal(5,2)", "date", "datetime", "datetimeoffset", "bit", "uuid", "float")
    for type_ in types:
        for document, path in ((f"<Doc><a>{secret}</a></Doc>", "a"), (f"<Doc a='{secret}'/>", "@a")):
            with pytest.raises(RecordRejected) as raised:
                rows_of(document, base(("v", path, type_)))
            seen: BaseException | None = raised.value
            while seen is not None:
                assert secret not in f"{seen!s}{seen.args!r}"
                seen = seen.__context__


MIXED = "<Doc><a k='x'>one<b>deep</b>two</a></Doc>"


@pytest.mark.parametrize(
    "beside",
    [
        [],
        [base(("w", "a"), name="beside")],
        [base(("w", "a/@k"), name="beside")],
        [base(("w", "a/b"), name="beside")],
        [base(("w", ".", "text", {"trim": False}), name="beside", rows="a", row_number="n")],
        [base(("w", ".", "text", {"from": "s"}), name="beside", selections={"s": {"path": "a"}})],
    ],
)
@pytest.mark.parametrize("more", [{}, {"trim": False}, {"empty": "text"}, {"repeated": "first"}])
def test_text_between_elements_is_a_reject_whatever_else_is_mapped_there(
    rows_of: MapDocument, beside: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    with pytest.raises(RecordRejected) as raised:
        rows_of(MIXED, base(("v", "a", "text", more)), *beside)
    assert raised.value.message.endswith(" (a): holds elements, and its text is mapped")


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        ({"rows": "a", "row_number": "n", "columns": [("v", "."), ("w", "b")]}, [(1, 1, "onetwo", "deep")]),
        (
            {"selections": {"s": {"path": "a"}}, "columns": [("v", ".", "text", {"from": "s"}), ("w", "a/b")]},
            [(1, "onetwo", "deep")],
        ),
    ],
)
def test_the_elements_own_text_is_what_stands_beside_the_elements_in_it(
    rows_of: MapDocument, more: dict[str, Any], rows: list[Any]
) -> None:
    assert rows_of(MIXED, base(**more)) == {"base": rows}


def test_a_table_without_a_row_takes_nothing_from_an_element_that_others_read(rows_of: MapDocument) -> None:
    # Three tables and a selection meet at C; the second C is of no use to the first table, the third to nobody.
    document = "<Doc><C k='1'><n>5</n></C><C k='2'><n>6</n><m/></C><C k='3'><n>none</n><m>none</m></C></Doc>"

    def at(name: str, *allowed: str, **more: Any) -> dict[str, Any]:
        where = [{"path": "@k", "in": list(allowed)}]
        return {"name": name, "rows": "C", "row_number": f"{name}_no", "where": where, **more}

    found = rows_of(
        document,
        at("one", "1", columns=[("n1", "n", "int")]),
        at("both", "1", "2", columns=[("n2", "n", "int"), ("k2", "@k")]),
        {"name": "below", "parent": "one", "row_number": "b", "columns": [("n3", "n", "int"), ("m3", "m", "int")]},
        {
            "name": "last",
            "selections": {"s": {"path": "C", "take": "last"}},
            "columns": [("k4", "@k", "text", {"from": "s"})],
        },
    )
    assert found == {
        "one": [(1, 1, 5)],
        "both": [(1, 1, 5, "1"), (1, 2, 6, "2")],
        "last": [(1, "3")],
        "below": [(1, 1, 1, 5, None)],
    }


@pytest.mark.parametrize("count", [2, 8, 999, 1000, 3000])
def test_however_many_children_an_element_has_those_that_are_mapped_are_found(rows_of: MapDocument, count: int) -> None:
    document = f"<Doc>{'<x/>' * (count - 2)}<a>1</a><e>5</e></Doc>"
    few = base(("a", "a"), ("e", "e"))
    many = base(*((name, name) for name in "abcde"), name="many")
    assert rows_of(document, few) == {"base": [(1, "1", "5")]}
    assert rows_of(document, many) == {"many": [(1, "1", None, None, None, "5")]}


def test_a_path_as_deep_as_contracts_may_go_is_walked(rows_of: MapDocument) -> None:
    steps = {"rows": "/".join("a" * 100), "row_number": "n"}
    tables = [base(**steps), {"name": "two", "parent": "base", "columns": [], **steps, "row_number": "m"}]
    deepest = {"name": "three", "parent": "two", "row_number": "o", "columns": [("v", "/".join("a" * 50))]}
    document = f"<Doc>{'<a>' * 250}x{'</a>' * 250}</Doc>"
    assert rows_of(document, *tables, deepest)["three"] == [(1, 1, 1, 1, "x")]


LOOKED_UP = {"steps": [{"lookup": {"1": "one"}, "otherwise": "null"}]}
PARSED = {"unparsable": "null"}


@pytest.mark.parametrize(("more", "type_", "value"), [(LOOKED_UP, "string(5)", "one"), (PARSED, "int", 1)])
@pytest.mark.parametrize("repeated", ["reject", "first", "last"])
@pytest.mark.parametrize("texts", [("?", "1"), ("1", "?"), ("?", "1", "??"), ("?", "??")])
def test_of_several_values_of_a_path_those_that_become_none_are_passed_over(
    rows_of: MapDocument, more: Any, type_: str, value: Any, repeated: str, texts: tuple[str, ...]
) -> None:
    document = f"<Doc>{''.join(f'<A>{text}</A>' for text in texts)}</Doc>"
    column = ("v", "A", type_, {**more, "repeated": repeated})
    found = value if "1" in texts else None
    assert rows_of(document, base(column)) == {"base": [(1, found)]}


@pytest.mark.parametrize("path", ["@xml:lang", "N/@xml:lang"])
def test_the_prefix_xml_is_that_of_xml_itself(rows_of: MapDocument, path: str) -> None:
    for attributes, value in (("xml:lang='de' lang='zz'", "de"), ("lang='zz'", None)):
        document = f"<Doc {attributes}><N {attributes}/></Doc>"
        assert rows_of(document, base(("v", path))) == {"base": [(1, value)]}
