from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.connections.files.arrivals import arrived_files, arrived_objects
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.warehouse.window import Window
from tests.fixtures.object_store import ObjectServer

DAY = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


def put(path: Path, arrived: datetime) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    os.utime(path, (arrived.timestamp(), arrived.timestamp()))


def test_files_within_the_half_open_window_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    moments = {"b/1.csv": DAY.start, "a.CSV": DAY.end - timedelta(seconds=1), "c.csv": DAY.end, "d.txt": DAY.start}
    for name, moment in moments.items():
        put(tmp_path / name, moment)
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.CSV")

    found = list(arrived_files(tmp_path, (".csv",), DAY))

    assert [(one.place, one.path.relative_to(tmp_path).as_posix(), one.size) for one in found] == [
        (1, "a.CSV", 1),
        (4, "b/1.csv", 1),
    ]
    assert len(list(arrived_files(tmp_path, (".csv", ".txt"), None))) == 4


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        list(arrived_files(tmp_path / "none", (".csv",), None))


def test_objects_are_told_by_their_suffix_and_window(s3: ObjectServer) -> None:
    for name in ("in/b.csv", "in/a.XLSX", "in/c.txt"):
        s3.put(name, b"x")
    store, prefix = ObjectStore(s3.client(), ["s3://cases/in/"]), ObjectName("cases", "in/")
    found = [(place, one.name.key) for place, one in arrived_objects(store, prefix, (".csv", ".xlsx"), None)]
    assert found == [(1, "in/a.XLSX"), (2, "in/b.csv")]
    assert list(arrived_objects(store, prefix, (".csv",), DAY)) == []
