from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import RecordRejected
from include.warehouse.encoders import encoder
from include.warehouse.fit import Fitter
from include.warehouse.target import Target


@given(scale=st.integers(0, 38), data=st.data())
def test_a_decimal_is_written_with_all_places_of_its_column_and_never_with_an_exponent(
    scale: int, data: st.DataObject
) -> None:
    digits = data.draw(st.integers(-(10**38) + 1, 10**38 - 1))
    table = sa.Table("t", sa.MetaData(), sa.Column("value", sa.Numeric(38, scale)))
    # From its parts: arithmetic would round to the context's 28 digits.
    value = Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -scale))
    assert encoder(table.c.value, "sqlite")(value) == format(value, "f")


TABLE = sa.Table(
    "t",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.String(3), nullable=False),
    sa.Column("note", sa.String(3)),
    sa.Column("count", sa.SmallInteger, nullable=False),
    sa.Column("rank", sa.SmallInteger),
    sa.Column("price", sa.Numeric(4, 1), nullable=False),
    sa.Column("tax", sa.Numeric(4, 1)),
)
FIT = Fitter(Target("target", "id", [TABLE]), "sqlite")
ROW = (1, "é", "abc", 2, 3, Decimal("1.5"), Decimal(2))


def test_what_needs_no_change_is_the_very_value_and_nulls_stay() -> None:
    fitted = FIT({"t": [ROW, (1, "a", None, 2, None, Decimal(0), None)]}, 1)
    assert fitted == {"t": [(1, "é", "abc", 2, 3, "1.5", "2.0"), (1, "a", None, 2, None, "0.0", None)]}
    assert fitted["t"][0][1] is ROW[1]


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [
        (1, None, "fit.null"),
        (3, None, "fit.null"),
        (5, None, "fit.null"),
        (1, "ééééé", "fit.too_long"),
        (2, "😀😀", "fit.too_long"),
        (2, b"abc", "fit.type"),
        (2, "a\0", "fit.nul"),
        (3, True, "fit.type"),
        (4, 2**15, "fit.out_of_range"),
        (6, Decimal("1.23"), "fit.scale"),
        (6, Decimal("NaN"), "fit.out_of_range"),
        (0, 2, "fit.key"),
    ],
)
def test_a_value_that_does_not_fit_rejects_the_record_and_names_its_column(at: int, value: object, code: str) -> None:
    with pytest.raises(RecordRejected, match=TABLE.columns.keys()[at] if at else "key") as raised:
        FIT({"t": [(*ROW[:at], value, *ROW[at + 1 :])]}, 1)
    assert raised.value.code == code
