from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from include.engine.errors import RecordRejected
from include.engine.model import NotedRows
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
    fitted = fitter(noted, "a")
    assert isinstance(fitted, NotedRows)
    assert (fitted.warnings, fitted.marks) == ({"unparsable t.on": 2}, 1 << 90)
    assert fitted != noted
    assert dict(fitted) == dict(fitter(dict(noted)))


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
