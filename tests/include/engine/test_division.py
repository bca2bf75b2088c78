"""Records that several worker processes share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from include.engine.model import Outcome, Prior, Record
from include.engine.process_transform import ProcessTransform
from tests.include.engine.conftest import DictMemory

HERE = Path(__file__).parent
PARTS = [f"part {number}" for number in range(20)]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


def dividing(folder: Path | None = None, **options: Any) -> ProcessTransform:
    config = {} if folder is None else {"folder": str(folder)}
    return ProcessTransform(factory="child_transforms:dividing", config=config, **options)


def run(house: Any, payloads: list[Any], transform: ProcessTransform | None = None, **options: Any) -> Any:
    records = [Record(number, payload, size=10, version="1") for number, payload in enumerate(payloads)]
    chosen = {"worker_kind": "processes", "workers": 2, "max_tries": 2, **options}
    return house.run(records, transform or dividing(), **chosen)


@pytest.mark.parametrize("kind", ["processes", "threads"])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_divided_record_settles_once_with_the_rows_of_all_parts_in_their_order(
    house: Any, kind: str, ordered: bool
) -> None:
    stats = run(house, ["first", PARTS, "last", PARTS], worker_kind=kind, ordered=ordered)
    settled = house.sink.by_key()
    assert [settled[key].outcome for key in range(4)] == [Outcome.WRITTEN] * 4
    for key in (1, 3):
        assert [payload for _, _, payload in settled[key].rows["t"]] == PARTS
        assert (settled[key].index, settled[key].version, settled[key].attempts) == (key, "1", 1)
        assert settled[key].transform_s > 0
    assert (stats.counters.records_read, stats.counters.records_written) == (4, 4)
    if ordered:
        assert [one.key for one in house.sink.settlements] == [0, 1, 2, 3]
    if kind == "processes":
        assert settled[1].size > 10


def test_parts_are_worked_side_by_side(house: Any) -> None:
    run(house, [["slow"] * 4], workers=4)
    (settled,) = house.sink.settlements
    assert len({pid for _, pid, _ in settled.rows["t"]}) > 1
    assert settled.transform_s > 4 * 0.6


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("reject", "test.bad"),
        ("transient", "gave_up.transient"),
        ("bug", "bug.ValueError"),
        ("exit", "worker.crashed"),
        ("segfault", "worker.crashed"),
        ("again", "bug.TypeError"),
        ("merge fails", "test.merge"),
        ("merge is wrong", "bug.ValueError"),
    ],
)
def test_a_part_that_gives_no_rows_costs_its_record_and_no_neighbour(house: Any, order: str, code: str) -> None:
    stats = run(house, ["first", [*PARTS, order, *PARTS], *PARTS])
    settled = house.sink.by_key()
    assert settled[1].code == code
    assert "secret" not in (settled[1].message or "")
    assert (settled[1].rows is None) is code.startswith(("gave_up", "worker"))
    assert [settled[key].outcome for key in settled if key != 1] == [Outcome.WRITTEN] * (len(PARTS) + 1)
    assert stats.counters.records_read == len(PARTS) + 2


def test_each_part_has_the_time_of_a_record(house: Any) -> None:
    run(house, [["slow"] * 4, ["hang", "x"], "x"], record_timeout_s=1.0, workers=1)
    settled = house.sink.by_key()
    assert len(settled[0].rows["t"]) == 4
    assert settled[1].code == "timeout.transform"
    assert settled[2].outcome is Outcome.WRITTEN


def test_each_part_has_the_tries_of_a_record(house: Any, tmp_path: Path) -> None:
    run(house, [["x", "busy once", "y"]], dividing(tmp_path))
    (settled,) = house.sink.settlements
    assert (settled.outcome, settled.attempts) == (Outcome.WRITTEN, 2)


def test_a_divided_record_is_compared_once_and_by_its_own_content(house: Any) -> None:
    def content_hash(record: Record) -> str:
        assert isinstance(record.payload, list), "parts have no content of their own"
        return f"hash {record.key}"

    memory = DictMemory({0: Prior(None, "hash 0", in_this_cycle=False)})
    run(house, [PARTS, PARTS], memory=memory, content_hash=content_hash, skip_unchanged=True)
    settled = house.sink.by_key()
    assert (settled[0].code, settled[1].outcome) == ("unchanged", Outcome.WRITTEN)
    assert settled[1].content_hash == "hash 1"


def test_threads_work_the_parts_one_after_the_other(house: Any) -> None:
    run(house, [PARTS, ["x", "reject", "y"], ["again"]], worker_kind="threads")
    settled = house.sink.by_key()
    assert {pid for _, pid, _ in settled[0].rows["t"]} == {os.getpid()}
    assert [settled[key].code for key in (1, 2)] == ["test.bad", "bug.TypeError"]


def test_a_record_that_gives_more_another_time_is_not_remembered_as_unchanged(house: Any) -> None:
    run(house, [["x", "partial"], ["x"], "partial", "x"], content_hash=lambda record: f"hash {record.key}")
    hashes = {key: one.content_hash for key, one in house.sink.by_key().items()}
    assert hashes == {0: None, 1: "hash 1", 2: None, 3: "hash 3"}


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_a_record_divided_into_no_parts_is_rejected_and_nobody_waits_for_it(house: Any, kind: str) -> None:
    stats = run(house, ["first", [], "last"], worker_kind=kind)
    assert stats.rejected_by_code == {"bug.ValueError": 1}
    assert stats.counters.records_written == 2
