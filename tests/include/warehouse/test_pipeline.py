from __future__ import annotations

from collections.abc import Sequence

from include.warehouse.pipeline import mark_names_of
from tests.fixtures.toy_orders.pipeline import OrderSettings, ToyOrders


class MarkedOrders(ToyOrders):
    @property
    def mark_names(self) -> Sequence[str]:
        return ("toy_orders.total",)


def test_a_pipeline_without_marks_needs_to_say_nothing() -> None:
    settings = OrderSettings(file="/no/orders")
    assert mark_names_of(ToyOrders(settings, None, lambda _: set())) == ()
    assert mark_names_of(MarkedOrders(settings, None, lambda _: set())) == ("toy_orders.total",)
