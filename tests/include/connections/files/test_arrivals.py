from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.connections.files.arrivals import arrived_files, arrived_objects
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.warehouse.window import Window
from tests.fixtures.arrivals import arrival, arrive
from tests.fixtures.object_store import ObjectServer

FAR = datetime(2100, 1, 1, tzinfo=UTC)
DAY = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


def test_files_within_the_half_open_window_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    early = arrive(tmp_path / "early.csv")
    first = arrive(tmp_path / "b" / "1.csv", after=early)
    for name in ("a.CSV", "d.txt"):
        arrive(tmp_path / name)
    late = arrive(tmp_path / "c.csv", after=tmp_path / "d.txt")
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.CSV")

    found = list(arrived_files(tmp_path, (".csv",), Window(arrival(first), arrival(late))))

    assert [(one.place, one.path.relative_to(tmp_path).as_posix(), one.size) for one in found] == [
        (1, "a.CSV", 1),
        (5, "b/1.csv", 1),
    ]
    assert len(list(arrived_files(tmp_path, (".csv", ".txt"), None))) == 5


def test_a_file_arrives_when_it_is_moved_in_however_long_ago_it_was_written(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    written = arrive(tmp_path / "staged.csv")
    run = arrive(tmp_path / "run", after=written)
    written.rename(inbox / "leads.csv")
    assert [one.path.name for one in arrived_files(inbox, (".csv",), Window(arrival(run), FAR))] == ["leads.csv"]


def test_a_file_of_a_host_whose_clock_is_ahead_arrives_today(tmp_path: Path) -> None:
    path = arrive(tmp_path / "leads.csv")
    os.utime(path, (FAR.timestamp(), FAR.timestamp()))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert len(list(arrived_files(tmp_path, (".csv",), Window(arrival(path), tomorrow)))) == 1


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
