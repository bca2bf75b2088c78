from __future__ import annotations

import pytest

from include.engine.model import Outcome, Settlement
from include.warehouse.settling import Line, judge
from tests.include.warehouse.toy_people import rejected, skipped, written

THIS, EARLIER = 7, 3


def line(version: str | None, cycle_id: int = EARLIER) -> Line:
    return Line(version, "hash", 5, cycle_id)


@pytest.mark.parametrize(
    ("remembered", "settlement", "expected"),
    [
        (None, written(1), ("written", None, True)),
        (line("2"), written(1, version="3"), ("written", None, True)),
        (line("2"), written(1, version="2"), ("written", None, True)),
        (line("2"), written(1, version="1"), ("skipped", "older_version", False)),
        (line("2"), rejected(1, version="1"), ("skipped", "older_version", False)),
        (line("2"), rejected(1, version="3"), ("rejected", "test.bad", True)),
        (line("2"), written(1), ("written", None, True)),
        (line(None), written(1, version="1"), ("written", None, True)),
        (line("2"), skipped(1), ("skipped", "out_of_scope", False)),
        (line("2", THIS), written(1, version="2"), ("skipped", "duplicate_key", False)),
        (line("2", THIS), written(1, version="3"), ("written", None, True)),
        (line(None, THIS), written(1), ("skipped", "duplicate_key", False)),
    ],
)
def test_what_the_warehouse_remembers_decides(
    remembered: Line | None, settlement: Settlement, expected: tuple[str, str | None, bool]
) -> None:
    lines = {"1": remembered} if remembered else {}
    (verdict,) = judge([settlement], lines, THIS)
    assert (verdict.outcome.value, verdict.reason, verdict.replaces) == expected


@pytest.mark.parametrize(
    ("versions", "winner"), [((None, None), 0), (("1", "2"), 1), (("2", "1"), 0), (("1", "1"), 0), (("1", None), 0)]
)
def test_of_one_key_twice_the_newer_wins_else_the_first(versions: tuple[str | None, str | None], winner: int) -> None:
    verdicts = judge([written(1, version=version) for version in versions], {}, THIS)
    outcomes = [Outcome.SKIPPED, Outcome.SKIPPED]
    outcomes[winner] = Outcome.WRITTEN
    assert [verdict.outcome for verdict in verdicts] == outcomes
    assert [verdict.remembered for verdict in verdicts] == [position == winner for position in (0, 1)]
    assert verdicts[1 - winner].reason == "duplicate_key"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("x" * 201, "key.too_long"),
        ("x ", "key.trailing_blank"),
        ("", "key.empty"),
        ("a\0", "key.nul"),
        ("\ud800", "key.surrogate"),
        (2**63, "key.out_of_range"),
        (-(2**63) - 1, "key.out_of_range"),
    ],
)
def test_a_key_that_cannot_be_held_is_rejected_under_its_digest(key: str, code: str) -> None:
    (verdict,) = judge([written(key)], {}, THIS)
    assert (verdict.outcome, verdict.reason, verdict.replaces) == (Outcome.REJECTED, code, False)
    assert verdict.key.startswith("sha256:")


@pytest.mark.parametrize(
    "version", ["9" * 101, "2024-01-01\0", "\u0662\u0660\u0662\u0664"], ids=["long", "nul", "digits"]
)
def test_a_version_that_cannot_be_held_costs_its_record(version: str) -> None:
    verdicts = judge([written(1, version=version), written(2, version="2")], {}, THIS)
    assert [(verdict.outcome.value, verdict.reason, verdict.replaces) for verdict in verdicts] == [
        ("rejected", "version.text", False),
        ("written", None, True),
    ]


def test_a_key_is_settled_in_its_cycle_though_another_run_has_written_it_since() -> None:
    overwritten = Line(None, "hash", 5, EARLIER, earlier_cycle_id=THIS)
    (verdict,) = judge([written(1)], {"1": overwritten}, THIS)
    assert verdict.reason == "duplicate_key"
