from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from include.pipelines.fhir.fhirpath.compile import compile_expression
from include.pipelines.fhir.fhirpath.errors import EvaluationError, ExpressionError
from include.pipelines.fhir.fhirpath.tree import At, Literal

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "birthDate": "1970-06",
    "_birthDate": {"extension": [{"url": "time", "valueDateTime": "1970-06-01T10:00:00Z"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "name": [
        {"use": "official", "family": "Ada", "given": ["Augusta", None, "King"], "_given": [None, {"id": "x"}, None]},
        {"use": "nickname", "given": ["Ada"]},
    ],
    "telecom": [{"system": "phone", "value": "1", "rank": 2}, {"system": "email", "value": "2"}],
    "extension": [{"url": "weight", "valueDecimal": Decimal("72.50")}, {"url": "tag", "valueCode": "a"}],
    "huge": Decimal("1E+999999999"),
    "tiny": Decimal("1E-999999999"),
    "managingOrganization": {"reference": "Organization/o1"},
}


def evaluate(text: str, node: Any = PATIENT, **constants: Literal) -> list[Any]:
    return list(compile_expression(text, constants, "Patient").many(node, (PATIENT, 3)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name.family", ["Ada"]),
        ("Patient.name.given", ["Augusta", "King", "Ada"]),
        ("name.nothing.at.all", []),
        ("name[1].given", ["Ada"]),
        ("name[7].given", []),
        ("name.given[2]", ["Ada"]),
        ("deceased", [False]),
        ("deceased.ofType(boolean)", [False]),
        ("deceased.ofType(dateTime)", []),
        ("multipleBirth.ofType(integer) + 1", [3]),
        ("extension.value", [Decimal("72.50"), "a"]),
        ("extension('weight').value.ofType(decimal)", [Decimal("72.50")]),
        ("birthDate.extension('time').value.ofType(dateTime)", ["1970-06-01T10:00:00Z"]),
        ("birthDate.extension.url", ["time"]),
        ("name.where(use = 'official').given.first()", ["Augusta"]),
        ("name.where(use = 'official' or use = 'nickname').count()", [2]),
        ("name.exists(use = 'old')", [False]),
        ("name.where(use = 'old').exists()", [False]),
        ("name.where(use = 'old').empty()", [True]),
        ("telecom.all(value.exists())", [True]),
        ("name.given.last()", ["Ada"]),
        ("name.given.tail()", ["King", "Ada"]),
        ("name.given.skip(1).take(1)", ["King"]),
        ("name.given.distinct().count()", [3]),
        ("name.family.single()", ["Ada"]),
        ("name.given.join(', ')", ["Augusta, King, Ada"]),
        ("photo.url.join(',')", []),
        ("name.select(given.first())", ["Augusta", "Ada"]),
        ("(name.given | name.family).count()", [3]),
        ("'Ada' in name.given", [True]),
        ("name.given contains 'Bob'", [False]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("iif(photo.exists(), name.given)", []),
        ("iif(active, name.given)", ["Augusta", "King", "Ada"]),
        ("active.not()", [False]),
        ("photo.not()", []),
        ("7 div 2", [3]),
        ("-7 mod 2", [-1]),
        ("3 / 2", [Decimal("1.5")]),
        ("1 / 0", []),
        ("1.10 + 2.2", [Decimal("3.30")]),
        ("0.1 * 0.2", [Decimal("0.02")]),
        ("1 + photo.count() - 2", [-1]),
        ("'a' + 'b' & photo.url & 'c'", ["abc"]),
        ("active = true", [True]),
        ("photo = photo", []),
        ("name.given = name.given", [True]),
        ("name.given = name.family", [False]),
        ("1 = 1.0", [True]),
        ("active = 1", [False]),
        ("name.family != 'x'", [True]),
        ("photo.url != 'x'", []),
        ("managingOrganization.getReferenceKey()", ["o1"]),
        ("managingOrganization.getReferenceKey(Organization)", ["o1"]),
        ("managingOrganization.getReferenceKey(Patient)", []),
        ("getResourceKey()", ["p1"]),
        ("name.first().getResourceKey()", []),
        ("%resource.id", ["p1"]),
        ("%rowIndex + 1", [4]),
        ("name.given.ofType(string).count()", [3]),
        ("name.given.ofType(System.String).first()", ["Augusta"]),
        ("name.given.ofType(integer)", []),
        ("telecom.rank.ofType(positiveInt)", [2]),
        ("deceased.ofType(string)", []),
        ("telecom.value.ofType(string)", ["1", "2"]),
        ("deceased is Boolean", [True]),
        ("deceased is boolean", [True]),
        ("deceased is dateTime", [False]),
        ("photo is Attachment", []),
        ("%resource is Patient", [True]),
        ("telecom.rank.first() is integer", [True]),
        ("name.family.lower() & name.family.upper()", ["adaADA"]),
        ("name.family.startsWith('A') and name.family.endsWith('a') and name.family.contains('d')", [True]),
        ("name.family.replace('A', 'O').length()", [3]),
        ("name.family.substring(1)", ["da"]),
        ("name.family.substring(1, 1)", ["d"]),
        ("name.family.substring(9)", []),
        ("' x '.trim()", ["x"]),
        ("active.toString() & 1.50.toString()", ["true1.50"]),
        ("{}.exists()", [False]),
        ("(1 = 1.0).toString()", ["true"]),
        ("%loinc", ["http://loinc.org"]),
    ],
)
def test_words_mean_what_the_specification_says(text: str, expected: list[Any]) -> None:
    found = evaluate(text)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("name.given + 'x'", "many_values"),
        ("name.single().family", "many_values"),
        ("name.family + 1", "not_number"),
        ("name.family > 1", "not_comparable"),
        ("active > true", "not_comparable"),
        ("telecom.rank.join(',')", "not_text"),
        ("active.lower()", "not_text"),
        ("name.first().toString()", "complex"),
        ("name.family < @2020", "not_temporal"),
        ("name.given and active", "many_values"),
        ("name[name.first().family]", "not_number"),
        ("huge + 1", "arithmetic"),
        ("huge.lowBoundary()", "arithmetic"),
        ("-tiny", "arithmetic"),
        ("tiny * tiny", "arithmetic"),
    ],
)
def test_a_resource_that_does_not_fit_is_an_error_that_holds_no_value(text: str, cause: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluate(text)
    assert raised.value.cause == cause
    assert str(raised.value) == cause


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("name.foo()", 6, "function foo() is not supported"),
        ("name.frist()", 6, "did you mean first()?"),
        ("name.repeat(x)", 6, "not supported"),
        ("name ~ 'x'", 6, "operator ~ is not supported"),
        ("name.first(1)", 6, "first() takes 0 arguments, got 1"),
        ("name.where()", 6, "where() takes 1 arguments, got 0"),
        ("name.iif(a, b)", 6, "called on nothing"),
        ("value.ofType(quantitty)", 14, "no such type"),
        ("value.ofType('x')", 7, "takes the name of a type"),
        ("first().ofType(Coding)", 9, "told by its element's name"),
        ("subject.getReferenceKey(Quantity)", 25, "leads to a resource"),
        ("use = %kind", 7, "no such constant; there are %resource"),
    ],
)
def test_what_is_not_supported_is_an_error_at_load_by_name_and_place(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_expression(text)
    assert raised.value.column == column
    assert message in raised.value.message


def test_constants_are_values_of_their_types() -> None:
    day = Literal("1970-06-15", "date", At(1, 1, "%day"))
    assert evaluate("birthDate < %day", day=day) == []
    assert evaluate("%day > @1970", day=day) == []
    assert evaluate("name.where(use = %kind).family", kind=Literal("official", "code", At(1, 1, "%kind"))) == ["Ada"]


def test_a_criterion_that_is_one_value_and_no_boolean_stands_for_true() -> None:
    assert evaluate("name.where(family).use") == ["official"]
    assert evaluate("name.family and active") == [True]


def test_the_root_may_be_something_else_than_a_resource() -> None:
    assert evaluate("$this", "text") == ["text"]
    assert evaluate("name", "text") == []
    assert evaluate("$this & '!'", "text") == ["text!"]
