from __future__ import annotations

from typing import Any

import pytest

from include.pipelines.fhir.views.errors import ResourceRejected
from include.pipelines.fhir.views.rows import MAX_ROWS
from tests.include.pipelines.fhir.views.documents import PATIENT, column, columns, compiled


def rows(*selects: dict[str, Any], **more: Any) -> list[tuple[Any, ...]]:
    return compiled(*selects, **more).view_rows(PATIENT)


FAMILY, SYSTEM = column("family", "family"), column("system", "system")


def test_rows_come_in_the_order_of_the_resource_the_last_select_changing_fastest() -> None:
    found = rows(columns(FAMILY, forEach="name"), columns(SYSTEM, forEach="telecom"))
    assert found == [("Ada", "phone"), ("Ada", "email"), ("Byron", "phone"), ("Byron", "email")]


def test_columns_come_before_nested_selects_and_unions_last() -> None:
    view = compiled(
        {
            "unionAll": [columns(column("e", "'1'")), columns(column("e", "'2'"))],
            "select": [columns(column("c", "'c'")), columns(column("d", "$this"), forEach="name.given")],
            "column": [column("a", "id")],
        },
        columns(column("z", "'z'")),
    )
    assert [made.name for made in view.columns] == ["a", "c", "d", "e", "z"]
    assert view.view_rows(PATIENT) == [
        ("p1", "c", "Augusta", "1", "z"),
        ("p1", "c", "Augusta", "2", "z"),
        ("p1", "c", "King", "1", "z"),
        ("p1", "c", "King", "2", "z"),
    ]


def test_a_for_each_that_finds_nothing_leaves_no_row_and_or_null_leaves_one_of_nulls() -> None:
    photo = columns(column("url", "url"), column("n", "%rowIndex", "integer"), column("fixed", "'x'"))
    assert rows(columns(column("a", "id")), photo | {"forEach": "photo"}) == []
    assert rows(columns(column("a", "id")), photo | {"forEachOrNull": "photo"}) == [("p1", None, 0, None)]


def test_the_row_index_is_that_of_the_innermost_iteration() -> None:
    given = columns(column("g", "%rowIndex", "integer"), column("text", "$this"), forEach="given")
    found = rows(columns(column("n", "%rowIndex", "integer"), forEach="name", select=[given]))
    assert found == [(0, 0, "Augusta"), (0, 1, "King")]


def test_repeat_visits_parents_before_children_and_numbers_all_of_them() -> None:
    view = compiled(
        columns(column("n", "%rowIndex", "integer"), column("link", "linkId"), repeat=["item", "answer.item"]),
        resource="QuestionnaireResponse",
    )
    resource = {
        "resourceType": "QuestionnaireResponse",
        "item": [
            {
                "linkId": "1",
                "item": [{"linkId": "1.1", "answer": [{"item": [{"linkId": "1.1.1"}]}]}, {"linkId": "1.2"}],
            },
            {"linkId": "2"},
        ],
    }
    assert view.view_rows(resource) == [(0, "1"), (1, "1.1"), (2, "1.1.1"), (3, "1.2"), (4, "2")]


def test_a_collection_is_kept_whole_also_when_it_is_empty() -> None:
    found = rows(
        columns(column("given", "name.given", "string", collection=True), column("url", "photo.url", collection=True))
    )
    assert found == [('["Augusta","King"]', "[]")]


def test_a_union_is_kept_in_what_holds_the_texts_of_all_branches() -> None:
    view = compiled(
        {"unionAll": [columns(column("a", "getResourceKey()")), columns(column("a", "name.first().family"))]}
    )
    assert [made.kept_in.length for made in view.columns] == [4000]
    assert view.view_rows(PATIENT) == [("p1",), ("Ada",)]


@pytest.mark.parametrize("select", [columns(FAMILY, repeat=["$this"]), None])
def test_the_rows_of_a_resource_are_bounded(select: dict[str, Any] | None) -> None:
    many = {"resourceType": "Patient", "id": "p", "name": [{}] * 400}
    each = [columns(column(f"c{number}", "family"), forEach="name") for number in range(3)]
    with pytest.raises(ResourceRejected) as raised:
        compiled(*([select] if select else each)).view_rows(many)
    assert raised.value.cause == "too_many_rows"
    assert MAX_ROWS < 400**3
