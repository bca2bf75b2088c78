"""Whatever the settings and the records: each settles once, and the counters add up."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.engine.errors import RecordRejected, RecordSkipped, TransientError
from include.engine.model import Outcome, Prior, Record, Rows

DEEDS = st.sampled_from(["write"] * 6 + ["reject", "skip", "bug", "transient", "fault", "resumed", "older"])
SETTINGS = st.fixed_dictionaries(
    {
        "workers": st.integers(1, 5),
        "ordered": st.booleans(),
        "in_flight": st.integers(5, 40),
        "in_flight_bytes": st.integers(1, 200),
        "reorder_window": st.integers(1, 20),
        "queue_records": st.integers(1, 30),
        "queue_bytes": st.integers(1, 200),
        "insert_batch": st.integers(1, 40),
        "max_wait_s": st.sampled_from([0, 0.001, 0.01]),
    }
)
SETTLED = {
    "write": "written",
    "reject": "rejected",
    "bug": "rejected",
    "transient": "rejected",
    "fault": "rejected",
    "skip": "skipped",
    "older": "skipped",
}


def act(record: Record) -> Rows:
    match record.payload:
        case "reject":
            raise RecordRejected("test.bad", "field x is bad")
        case "skip":
            raise RecordSkipped("out_of_scope")
        case "transient":
            raise TransientError("busy")
        case "bug":
            raise ZeroDivisionError
    return {"t": [(record.key,)] * (int(record.key) % 3)}


def record_of(number: int, deed: str) -> Record:
    fault = RecordRejected("test.unreadable", "line is cut") if deed == "fault" else None
    return Record(number, deed, size=number % 50, version="1", fault=fault)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS, max_size=300), engine=SETTINGS)
def test_each_record_settles_once_and_the_counters_add_up(
    house: Any, memory_of: Any, deeds: list[str], engine: dict[str, Any]
) -> None:
    house.sink.insert_batches.clear()
    house.stop = threading.Event()
    memory = memory_of(
        {
            number: Prior("2", None, in_this_cycle=deed == "resumed")
            for number, deed in enumerate(deeds)
            if deed in ("resumed", "older")
        }
    )
    records = [record_of(number, deed) for number, deed in enumerate(deeds)]
    stats = house.run(records, act, memory=memory, max_tries=2, retry_max_wait_s=0, **engine)

    settled = house.sink.by_key()
    assert {key: str(one.outcome) for key, one in settled.items()} == {
        number: SETTLED[deed] for number, deed in enumerate(deeds) if deed != "resumed"
    }
    counts = Counter(SETTLED.get(deed, deed) for deed in deeds)
    counters = stats.counters
    assert counters.records_read == counters.records_settled == len(settled)
    assert counters.records_written == counts["written"]
    assert counters.records_rejected == counts["rejected"]
    assert counters.records_skipped == counts["skipped"]
    assert counters.records_resumed == counts["resumed"]
    assert counters.records_bugs == deeds.count("bug")
    assert counters.rows_written == sum(number % 3 for number, deed in enumerate(deeds) if deed == "write")
    assert sum(stats.rejected_by_code.values()) == counters.records_rejected
    assert all(len(one.settlements) <= engine["insert_batch"] for one in house.sink.insert_batches)
    if engine["ordered"] or engine["workers"] == 1:
        indexes = [one.index for one in house.sink.settlements]
        assert indexes == sorted(indexes)
    assert all(
        (one.rows is None) == (one.outcome is Outcome.SKIPPED or one.code == "gave_up.transient")
        for one in settled.values()
    )
