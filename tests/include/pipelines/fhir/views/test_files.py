from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import SettingsError
from include.pipelines.fhir.views.definition import CANONICALS
from include.pipelines.fhir.views.files import check_view, parse_view, read_view

ID = {"name": "id", "path": "id", "type": "id"}


def view(**more: Any) -> dict[str, Any]:
    return {"resource": "Patient", "select": [{"column": [ID]}]} | more


def select(**more: Any) -> dict[str, Any]:
    return view(select=[{"column": [ID], **more}])


def column(**more: Any) -> dict[str, Any]:
    return view(select=[{"column": [ID | more]}])


def constant(**more: Any) -> dict[str, Any]:
    return view(constant=[{"name": "c", **more}])


def faults(raw: object) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        check_view(raw, "x.json")
    first, *lines = str(raised.value).splitlines()
    assert first == f"view x.json has {len(lines)} mistake{'s' if len(lines) > 1 else ''}:"
    return [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ([], "the view: must be an object"),
        ({"select": [{"column": [ID]}]}, "resource: is required"),
        (view(resource="patient"), "resource: must begin with a letter"),
        (view(select=[]), "select: must not be empty"),
        (view(select=[{}]), "select[0]: gives no columns"),
        (view(selct=1), "selct: a view definition has no such element here"),
        (view(resourceType="Patient"), "resourceType: must be one of ViewDefinition, "),
        (view(name="a b"), "name: must begin with a letter, and hold letters, digits and _ only"),
        (
            view(where=[{"path": "name.foo()"}]),
            "where[0].path: at foo (character 6): the function foo() is not supported",
        ),
        (view(where=[{"path": "name.count()"}]), "where[0].path: a condition gives a boolean, this gives integer"),
        (select(forEach=1), "select[0].forEach: must be text"),
        (select(forEach="@@"), "select[0].forEach: at @ (character 1): no date"),
        (select(repeat=["item", "it em"]), "select[0].repeat[1]: at em (character 4): an operator is missing"),
        (
            select(forEach="name", forEachOrNull="name"),
            "select[0]: has more than one of forEach, forEachOrNull and repeat",
        ),
        (select(unionAll=[{"column": [ID]}]), "select[0].unionAll[0].column[0].name: id: there is another column"),
        (
            view(select=[{"unionAll": [{"column": [ID]}, {"column": [ID | {"name": "b"}]}]}]),
            "select[0].unionAll[1]: gives the columns b, the first of the union id",
        ),
        (
            view(select=[{"unionAll": [{"column": [ID]}, {"column": [ID | {"type": "string"}]}]}]),
            "select[0].unionAll[1].column[0]: id is of another type in the first of the union",
        ),
        (
            view(
                select=[
                    {
                        "unionAll": [
                            {"column": [{"name": "a", "path": "name.exists()"}]},
                            {"column": [{"name": "a", "path": "id"}]},
                        ]
                    }
                ]
            ),
            "select[0].unionAll[1]: a is of another type in the first of the union",
        ),
        (view(select=[{"column": [ID, ID | {"name": "ID"}]}]), "select[0].column[1].name: ID: there is another column"),
        (column(name="resource_key"), "select[0].column[0].name: resource_key: every table has that column already"),
        (column(name="1st"), "select[0].column[0].name: must begin with a letter"),
        (column(path=""), "select[0].column[0].path: must not be empty"),
        (column(collection="yes"), "select[0].column[0].collection: must be true or false"),
        (column(type="strng"), "select[0].column[0]: FHIR has no type strng"),
        (column(path="name.exists()", type="integer"), "select[0].column[0]: the expression gives boolean, the column"),
        (column(tag=[{"name": "ansi/type", "value": "JSON"}]), "select[0].column[0]: JSON: no type that is supported"),
        (column(path="%nothing"), "select[0].column[0].path: at %nothing (character 1): there is no such constant"),
        (constant(), "constant[0]: needs exactly one value"),
        (constant(valueCode="a", valueString="b"), "constant[0]: needs exactly one value"),
        (constant(valueCode=3), "constant[0]: the value is no code"),
        (constant(valueDate="soon"), "constant[0]: the value is no date"),
        (constant(valueQuantity={}), "constant[0]: constants have no such type"),
        (constant(name="rowIndex", valueCode="a"), "constant[0].name: %rowIndex has a meaning of its own"),
        (
            view(constant=[{"name": "c", "valueCode": "a"}, {"name": "c", "valueCode": "b"}]),
            "constant[1].name: there is another constant c",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(raw: object, fault: str) -> None:
    found = faults(raw)
    assert len(found) == 1 or raw == view(select=[{}])
    assert found[0].startswith(fault)


def test_all_mistakes_are_reported_at_once() -> None:
    raw = {
        "resourceType": "Patient",
        "select": [
            {
                "column": [
                    {"name": "a", "path": "foo("},
                    {"name": "A", "path": "bar()", "type": "quux", "colection": True},
                ],
                "forEach": "name",
                "repeat": ["item"],
            },
            {"select": [{"forEach": "x.y("}]},
        ],
        "where": [{"path": "1"}, {}],
        "constant": [{"name": "c"}],
    }
    places = [line.partition(": ")[0] for line in faults(raw)]
    assert places == [
        "constant[0]",
        "resource",
        "resourceType",
        "select[0].column[0].path",
        "select[0].column[1].colection",
        "select[0].column[1].name",
        "select[0].column[1].path",
        "select[0].column[1]",
        "select[0]",
        "select[1].select[0].forEach",
        "select[1].select[0]",
        "where[0].path",
        "where[1].path",
    ]


def test_a_constant_at_fault_makes_no_further_mistakes_where_it_is_used() -> None:
    assert len(faults(constant(valueCode=3) | {"where": [{"path": "gender = %c"}]})) == 1


def test_a_name_that_is_twice_in_an_object_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="resource is there twice in one object"):
        parse_view(
            '{"resource": "Patient", "resource": "Group", "select": [{"column": [{"name": "a", "path": "id"}]}]}'
        )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "not JSON at line 1, column 2"),
        (b'{"resource": NaN}', "NaN is no JSON number"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (4 * 1024 * 1024 + 1), "more than"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "v.json"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"view v\.json") as raised:
        read_view(path)
    assert message in str(raised.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"view v\.json: cannot be read"):
        read_view(tmp_path / "v.json")


@pytest.mark.parametrize("canonical", CANONICALS)
def test_views_of_2_and_of_3_are_read_with_all_their_metadata(canonical: str) -> None:
    raw = view(
        resourceType=canonical,
        resourceDefinition="http://hl7.org/fhir/StructureDefinition/ViewDefinition|3.0.0",
        id="x",
        url="http://example.org/ViewDefinition/x",
        identifier=[{"value": "1"}],
        status="active",
        _status={"id": "s"},
        fhirVersion=["4.0.1"],
        profile=["http://hl7.org/fhir/StructureDefinition/Patient"],
        extension=[{"url": "x", "valueCode": "y"}],
        versionAlgorithmString="semver",
    )
    assert parse_view(json.dumps(raw)).resource == "Patient"


trees = st.recursive(
    st.sampled_from([None, True, 1, 1.5, "", "id", "name.given", "a b", "%c", "Patient", "string", "name.exists()"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["resource", "select", "column", "path", "name", "type", "forEach", "repeat", "unionAll", "where",
                 "tag", "constant", "valueCode", "collection", "resourceType"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)  # fmt: skip


@given(trees)
def test_any_json_is_a_view_or_a_list_of_mistakes(raw: object) -> None:
    try:
        definition = check_view(raw)
    except SettingsError as error:
        outcome = str(error)
    else:
        outcome = f"view of {definition.resource}"
    assert outcome.startswith("view ")
