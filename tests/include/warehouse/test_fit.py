from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows
from include.warehouse.column_types import TinyInteger
from include.warehouse.encoders import SOURCE_PATH
from include.warehouse.fit import Fitter
from include.warehouse.target import Target
from tests.include.warehouse.toy_people import people, person_rows


def test_rows_that_are_fitted_keep_what_their_transform_noticed() -> None:
    columns = [
        sa.Column("id", sa.String(5), primary_key=True),
        sa.Column("on", sa.Date),
        sa.Column("sum", sa.Numeric(9, 2)),
    ]
    fitter = Fitter(Target("t", "id", [sa.Table("t", sa.MetaData(), *columns)]), "sqlite")
    noted = NotedRows({"t": [("a", date(2026, 1, 31), Decimal("1.50"))]}, {"unparsable t.on": 2}, 1 << 90)
    noted.size, noted.is_partial = 7, True
    fitted = fitter(noted, "a")
    assert isinstance(fitted, NotedRows)
    assert (fitted.warnings, fitted.marks) == ({"unparsable t.on": 2}, 1 << 90)
    assert (fitted.size, fitted.is_partial) == (7, True)
    assert fitted != noted
    assert dict(fitted) == dict(fitter(dict(noted)))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, "abc", 2), "t.code (Head/@code) takes 2 UTF-16 units, got 3"),
        ((1, None, 2), "t.code (Head/@code) is required"),
        ((1, "ab", 300), "t.rank takes 0 to 255"),
    ],
)
def test_a_reject_names_the_column_and_where_its_values_stand_if_that_is_declared(
    row: tuple[object, ...], message: str
) -> None:
    columns = [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(2), nullable=False, info={SOURCE_PATH: "Head/@code"}),
        sa.Column("rank", TinyInteger),
    ]
    fitter = Fitter(Target("t", "id", [sa.Table("t", sa.MetaData(), *columns)]), "mssql")
    for fit in (fitter, pickle.loads(pickle.dumps(fitter))):
        with pytest.raises(RecordRejected) as raised:
            fit({"t": [row]}, 1)
        assert raised.value.message == message


def test_plain_rows_stay_plain() -> None:
    assert type(Fitter(people(), "sqlite")(person_rows(1))) is dict


def test_noted_rows_are_checked_as_others_are() -> None:
    rows = NotedRows(person_rows(1, "x" * 51), {"truncated person.email": 1})
    with pytest.raises(RecordRejected, match=r"fit\.too_long"):
        Fitter(people(), "sqlite")(rows, 1)


def test_a_fitter_works_where_its_pickle_arrives() -> None:
    there = pickle.loads(pickle.dumps(Fitter(people(), "sqlite")))
    assert there(person_rows(1), 1) == Fitter(people(), "sqlite")(person_rows(1), 1)
    with pytest.raises(RecordRejected, match=r"fit\.too_long"):
        there(person_rows(1, "x" * 51), 1)
