from __future__ import annotations

import json

import pytest

from include.engine.errors import FatalError
from include.engine.model import Batch, ByteRange, KeyListRange, KeyRange, LineRange, NamedSlice, Part, RowRange

PARTS: list[tuple[Part, str]] = [
    (KeyRange(1, None), "0: 1 to …"),
    (KeyRange("a", "b"), "0: a to b"),
    (LineRange("f", "p", 0, 7, 0, 70), "0: lines 0 to 7"),
    (ByteRange("f", "p", 0, 70), "0: bytes 0 to 70"),
    (KeyListRange("chosen", 0, 7), "0: listed keys 0 to 7"),
    (RowRange("f", "p", "csv", 0, 7, 20, 70, 2), "0: rows 0 to 7"),
    (NamedSlice("orders", None, None), "0: orders"),
    (NamedSlice("orders", "2026-01-01", None), "0: orders, 2026-01-01 to …"),
    (NamedSlice("orders", None, "2026-01-01"), "0: orders, … to 2026-01-01"),
]


@pytest.mark.parametrize(("part", "label"), PARTS)
def test_a_part_comes_back_from_json_and_has_a_label(part: Part, label: str) -> None:
    batch = Batch(0, part, 7, estimated=True)
    assert Batch.from_json(json.loads(json.dumps(batch.to_json()))) == batch
    assert batch.label == label


@pytest.mark.parametrize("fields", [{"kind": "no_such"}, {"kind": "named_slice", "name": "n"}, {}])
def test_fields_that_are_no_part_are_named(fields: dict[str, str]) -> None:
    with pytest.raises(FatalError, match="not a batch reference, fields"):
        Batch.from_json({"index": 0, "planned_records": 1, "estimated": False, **fields})
