from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import RecordRejected
from include.pipelines.fhir.views.columns import ViewColumn
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.errors import ResourceRejected
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from tests.include.pipelines.fhir.views.documents import FULL, PATIENT, column, columns, compiled, tagged

VIEWS = ViewDefinitionManager()
SHIPPED = tuple(VIEWS)


def test_rows_begin_with_the_key_and_version_of_the_resource() -> None:
    assert compiled(columns(column("a", "id"))).rows(PATIENT) == [("Patient/p1", "7", "p1")]
    assert compiled(columns(column("a", "id"))).rows(PATIENT | {"meta": {}}) == [("Patient/p1", None, "p1")]


def test_resources_of_other_types_and_such_as_no_condition_chooses_give_no_rows() -> None:
    view = compiled(columns(column("a", "id")), where=[{"path": "gender = 'male'"}, {"path": "active"}])
    assert view.rows(PATIENT) == []
    assert view.rows(PATIENT | {"gender": "male", "active": False}) == []
    assert view.rows({"resourceType": "Group", "gender": "male", "active": True}) == []
    assert len(view.rows(PATIENT | {"gender": "male", "active": True})) == 1


ID = columns(column("a", "id"))


@pytest.mark.parametrize(
    ("view", "place", "cause"),
    [
        (compiled(columns(column("given", "name.given"))), "given", "many_values"),
        (compiled(columns(column("name", "name.first()"))), "name", "complex"),
        (compiled(columns(column("day", "birthDate", "Period"), column("name", "name.first()"))), "name", "complex"),
        (compiled(columns(column("born", "birthDate", "integer"))), "born", "value_type"),
        (compiled(columns(tagged("born", "birthDate", "date", "DATE"))), "born", "precision"),
        (compiled(ID, where=[{"path": "birthDate"}]), "where[0].path", "not_boolean"),
        (compiled(ID, where=[{"path": "name = name"}, {"path": "name.given > 1"}]), "where[1].path", "many_values"),
        (compiled(ID, columns(column("b", "id"), forEach="name.given + 1")), "select[1].forEach", "many_values"),
    ],
)
def test_a_resource_that_cannot_be_evaluated_names_view_place_and_cause(
    view: CompiledView, place: str, cause: str
) -> None:
    with pytest.raises(ResourceRejected) as raised:
        view.rows(PATIENT)
    error = raised.value
    assert isinstance(error, RecordRejected)
    assert (error.view, error.place, error.cause, error.code) == ("people", place, cause, f"fhir_view.{cause}")
    assert f"view people, {place}" in error.message
    assert not any(value in error.message for value in ("1970", "Ada", "Augusta"))
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, again.place) == (error.code, error.message, place)


@pytest.mark.parametrize("more", [{"id": None}, {"id": "a b"}, {"id": 5}, {"meta": {"versionId": 7}}])
def test_a_resource_without_a_key_is_rejected(more: dict[str, Any]) -> None:
    with pytest.raises(ResourceRejected, match="no_id"):
        compiled(columns(column("a", "birthDate"))).rows(PATIENT | more)


def test_a_resource_nested_too_deeply_is_rejected() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    view = compiled(columns(column("same", "photo = contact", "boolean")))
    with pytest.raises(ResourceRejected) as raised:
        view.rows({"resourceType": "Patient", "id": "p", "photo": [deep], "contact": [[deep]]})
    assert raised.value.cause == "too_deep"


def test_threads_share_a_view() -> None:
    view = compiled(columns(column("n", "%rowIndex", "integer"), column("value", "value"), forEach="telecom"))
    patients = [
        PATIENT | {"id": f"p{number}", "telecom": [{"value": f"{number}.{n}"} for n in range(5)]}
        for number in range(200)
    ]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(view.rows, patients))
    assert found == [[(f"Patient/p{k}", "7", n, f"{k}.{n}") for n in range(5)] for k in range(200)]


def test_a_view_can_be_sent_to_another_process() -> None:
    view = pickle.loads(pickle.dumps(VIEWS["patient_demographics"]))
    assert view.rows(PATIENT) == VIEWS["patient_demographics"].rows(PATIENT)


def test_a_fingerprint_changes_with_what_changes_rows_only() -> None:
    plain = compiled(columns(column("a", "id")))
    assert compiled(columns(column("a", "id")), title="x", status="draft").fingerprint == plain.fingerprint
    assert compiled(columns(column("a", "id")), where=[{"path": "active"}]).fingerprint != plain.fingerprint
    assert compiled(columns(column("b", "id"))).fingerprint != plain.fingerprint


values = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        7,
        Decimal("1.50"),
        "",
        "x",
        "2015",
        "2015-02-04",
        "2015-02-04T10:00:00Z",
        "Patient/p1",
        "aGk=",
    ]
)
NAMES = (
    "active address birthDate category class clinicalStatus code coding comparator component deceasedBoolean display "
    "effectiveDateTime encounter extension family gender given id identifier line meta name onsetDateTime period "
    "reference resourceType start status subject system telecom text type url use value valueCoding valueDecimal "
    "valueQuantity valueString versionId"
)
names = st.sampled_from(NAMES.split())
resources = st.dictionaries(
    names,
    st.recursive(
        values,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=5)),
        max_leaves=10,
    ),
    max_size=12,
)  # fmt: skip


def fits(column: ViewColumn, value: Any) -> bool:
    """Whether a value is of the very type that the column's SQL type takes."""
    of_kind: dict[str, type] = {
        "boolean": bool, "integer": int, "decimal": Decimal, "text": str, "date": date, "timestamptz": datetime,
    }  # fmt: skip
    return value is None or type(value) is of_kind[column.kept_in.kind]


def check_rows(view: CompiledView, resource: dict[str, Any]) -> int:
    """How many values of the rows are there; each is of its column's type."""
    try:
        found = view.rows(resource)
    except ResourceRejected as error:
        assert error.view == view.name  # noqa: PT017 - the other outcome is as good
        return 0
    for row in found:
        assert len(row) == 2 + len(view.columns)
        assert row[0] == f"{view.resource}/{resource['id']}"
        assert row[1] is None or isinstance(row[1], str)
        assert all(map(fits, view.columns, row[2:]))
    return sum(value is not None for row in found for value in row[2:])


@given(st.sampled_from(SHIPPED), resources)
def test_any_resource_gives_rows_of_the_declared_types_or_is_rejected(
    view: CompiledView, resource: dict[str, Any]
) -> None:
    check_rows(view, resource | {"resourceType": view.resource, "id": "x"})


def places(part: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Of all elements below the resource, at any depth."""
    within = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in within:
        yield (*place, name)
        yield from places(value, (*place, name))


def replaced(part: Any, place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return value
    copy = part.copy()
    copy[place[0]] = replaced(part[place[0]], place[1:], value)
    return copy


odd = st.one_of(
    values, st.just({}), st.just([]), st.lists(values, max_size=3), st.dictionaries(names, values, max_size=3)
)


@given(st.data())
def test_a_resource_with_one_odd_element_gives_rows_of_the_declared_types_or_is_rejected(data: st.DataObject) -> None:
    full = data.draw(st.sampled_from(FULL))
    place = data.draw(st.sampled_from(sorted(places(full), key=str)))
    resource = replaced(full, place, data.draw(odd))
    for view in VIEWS.of_resource(full["resourceType"]):
        if place not in {("id",), ("resourceType",)}:
            check_rows(view, resource)


@pytest.mark.parametrize("full", FULL, ids=lambda full: full["resourceType"])
def test_a_full_resource_fills_its_views(full: dict[str, Any]) -> None:
    assert all(check_rows(view, full) >= 4 for view in VIEWS.of_resource(full["resourceType"]))


def test_the_table_declares_every_column_bounded() -> None:
    table = compiled(
        columns(
            column("born", "birthDate", "date"),
            tagged("weight", "weight", "decimal", "DECIMAL(10, 2)"),
            column("alive", "deceased.empty()"),
            column("name", "name.first()", "HumanName"),
            column("family", "name.first().family"),
        )
    ).table
    assert table.name == "people"
    made = {found.name: found.type for found in table.columns}
    assert list(made) == ["resource_key", "resource_version", "born", "weight", "alive", "name", "family"]
    lengths = {name: kept.length for name, kept in made.items() if isinstance(kept, sa.String)}
    assert lengths == {"resource_key": 130, "resource_version": 64, "born": 10, "name": None, "family": 4000}
    assert isinstance(made["alive"], sa.Boolean)
    assert json.dumps([table.columns["weight"].type.precision, table.columns["weight"].type.scale]) == "[10, 2]"
    assert not table.columns["resource_key"].nullable
