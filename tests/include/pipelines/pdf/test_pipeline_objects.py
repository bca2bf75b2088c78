"""The pipeline on documents in S3, over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.engine.model import Batch, LineRange
from include.pipelines.pdf.rows import DOCUMENTS
from include.warehouse.connection import Warehouse
from include.warehouse.window import Window
from tests.fixtures.object_store import SECRET, ObjectServer
from tests.fixtures.pdf_files import text_pdf
from tests.include.pipelines.pdf.entries import PROJECT, entry
from tests.include.pipelines.pdf.house import NAMES, ObjectHouse

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[4]
ALL_TEXTS = {f"{name} page {page}" for name in NAMES for page in (1, 2)}
PREFIX = "s3://cases/incoming/"


@pytest.fixture
def house(folder: Path, warehouse: Warehouse, s3: ObjectServer) -> ObjectHouse:
    return ObjectHouse(folder, warehouse, s3)


def test_documents_are_read_through_links_and_the_plan_is_kept_in_s3(house: ObjectHouse) -> None:
    (batch,) = house.pipeline().plan(100)
    house.write_manifest([])
    etags = {house.s3.put(f"incoming/{name}", (house.folder / name).read_bytes()) for name in NAMES}
    assert house.load(batch)["records_written"] == 3
    assert house.texts() == ALL_TEXTS
    assert {row["file_path"] for row in house.rows(DOCUMENTS)} == {PREFIX + name for name in NAMES}
    assert {row["etag"] for row in house.rows(DOCUMENTS)} == etags
    assert len(house.s3.keys("work/")) == 1


def test_the_unchanged_is_skipped_without_being_fetched(house: ObjectHouse) -> None:
    house.load()
    fetched = {name: house.s3.asked["GET", name] for name in NAMES}
    changed = text_pdf(house.folder / "new", ["new"]).read_bytes()
    house.s3.put("incoming/1.pdf", changed)
    again = house.load()
    assert (again["records_written"], again["skipped_by_reason"]) == (1, {"unchanged": 2})
    assert [house.s3.asked["GET", name] - fetched[name] for name in NAMES] == [0, 1, 0]


def test_each_fault_costs_its_document_and_names_its_cause(house: ObjectHouse) -> None:
    names = ["missing.pdf", "denied.pdf", "denied_later.pdf", "slow.pdf", "slow_once.pdf", "cut.pdf", "cut_once.pdf"]
    content = (house.folder / "0.pdf").read_bytes()
    for name in names[1:]:
        house.s3.put(f"incoming/{name}", content)
    house.s3.order("denied", "denied.pdf", method="HEAD")
    house.s3.order("denied", "denied_later.pdf")
    for fault, name in (("slow_down", "slow"), ("cut", "cut")):
        house.s3.order(fault, f"{name}.pdf")
        house.s3.order(fault, f"{name}_once.pdf", times=1)
    house.s3.put("secret/outside.pdf", content)
    paths = [PREFIX + name for name in (*names, *NAMES)]
    house.write_manifest([entry(path) for path in (*paths, "s3://cases/secret/outside.pdf", "/etc/hosts")])

    line = house.load(max_reject_rate=1, max_tries=2)

    assert line["rejected_by_code"] == {
        "file.missing": 1,
        "file.denied": 2,
        "gave_up.transient": 2,
        "file.outside_roots": 2,
    }
    assert line["records_written"] == 5
    assert line["retries"] == 4
    assert house.s3.asked["GET", "slow.pdf"] == 2


def test_no_link_and_no_key_of_the_store_reaches_log_ledger_or_rejects(
    house: ObjectHouse, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    house.s3.order("slow_down", "0.pdf")
    house.s3.order("denied", "1.pdf")
    with caplog.at_level("INFO"):
        line = house.load(max_reject_rate=1, max_tries=2)
    with house.warehouse.connect() as connection:
        rejects = connection.exec_driver_sql("SELECT * FROM headrace_rejects").all()
    seen = caplog.text + "".join(capfd.readouterr()) + json.dumps(line) + repr(rejects)
    assert len(rejects) == 2
    assert SECRET not in seen
    assert "X-Amz" not in seen


@pytest.mark.parametrize("when", ["before the run", "while it runs"])
def test_an_object_that_changed_since_the_plan_is_not_read(house: ObjectHouse, when: str) -> None:
    entries = [
        entry(PREFIX + name, etag=house.s3.put(f"incoming/{name}", (house.folder / name).read_bytes()))
        for name in NAMES
    ]
    if when == "while it runs":
        entries = [
            one | {"bytes": (house.folder / name).stat().st_size} for one, name in zip(entries, NAMES, strict=True)
        ]
    house.write_manifest(entries)
    (batch,) = house.pipeline().plan(100)
    house.s3.put("incoming/1.pdf", text_pdf(house.folder / "new", ["new"]).read_bytes())
    line = house.load(batch, max_reject_rate=1)
    assert line["rejected_by_code"] == {"file.source_changed": 1}
    assert line["records_written"] == 2


def test_a_prefix_is_a_manifest_of_what_arrived_in_the_window(house: ObjectHouse) -> None:
    now = datetime.now(UTC)
    house.window = Window(now - timedelta(hours=1), now + timedelta(hours=1))
    prefix = {"manifest": PREFIX}
    assert house.load(**prefix)["records_written"] == 3
    assert {row["project_uuid"] for row in house.rows(DOCUMENTS)} == {str(uuid.uuid5(uuid.NAMESPACE_URL, PREFIX))}
    assert all(house.s3.asked["HEAD", name] == 0 for name in NAMES), "the listing knows"
    assert house.load(**prefix)["skipped_by_reason"] == {"unchanged": 3}
    assert house.load(**prefix, project_uuid=PROJECT)["records_written"] == 3
    house.window = Window(now - timedelta(days=2), now - timedelta(days=1))
    assert house.pipeline(**prefix).plan(100) == []
    assert "changed from" in house.pipeline(**prefix).scope()


def test_an_object_that_changed_between_listing_and_reading_is_left_to_the_next_run(house: ObjectHouse) -> None:
    (batch,) = house.pipeline(manifest=PREFIX).plan(100)
    house.s3.put("incoming/2.pdf", text_pdf(house.folder / "new", ["new"]).read_bytes())
    line = house.load(batch, manifest=PREFIX, max_reject_rate=1)
    assert line["rejected_by_code"] == {"file.source_changed": 1}
    assert house.load(manifest=PREFIX)["records_written"] == 1


def test_texts_are_rendered_to_s3(house: ObjectHouse) -> None:
    house.load(text_files=True, text_folder="s3://cases/texts/")
    keys = house.s3.keys("texts/")
    assert keys == sorted(f"texts/{row['document_uuid']}.txt" for row in house.rows(DOCUMENTS))
    assert {house.s3.get(key).decode() for key in keys} == {f"{name} page 1\f{name} page 2" for name in NAMES}


def planned(s3: ObjectServer, folder: Path, count: int) -> dict[str, Any]:
    """A manifest of so many entries, planned in a process of its own."""
    lines = (
        json.dumps(
            {
                "document_uuid": str(uuid.UUID(int=number)),
                "project_uuid": str(PROJECT),
                "file_path": f"{PREFIX}{number:06d}.pdf",
                "bytes": 1000 + number % 7919,
                "metadata": {"number": number},
            }
        )
        for number in range(count)
    )
    s3.put("incoming/large.ndjson", "\n".join(lines).encode())
    work = folder / str(count)
    work.mkdir()
    command = [sys.executable, "-m", "tests.fixtures.plan_memory", s3.url, f"{PREFIX}large.ndjson", str(work)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def test_a_manifest_of_a_hundred_thousand_documents_is_planned_in_flat_memory(s3: ObjectServer, folder: Path) -> None:
    small, large = planned(s3, folder, 2_000), planned(s3, folder, 100_000)
    assert (large["planned"], small["planned"]) == (100_000, 2_000)
    assert 500 <= large["batches"] <= 1_000
    assert large["largest"] <= 1024
    assert large["peak"] < small["peak"] + 16 * 1024 * 1024


def test_a_batch_of_a_large_plan_reads_no_more_than_its_lines(house: ObjectHouse) -> None:
    entries = [entry(f"{PREFIX}{name}", metadata={"x": "y" * 10_000}) for name in NAMES]
    house.write_manifest(entries)
    batches = house.pipeline().plan(1)
    part = batches[1].part
    assert isinstance(part, LineRange)
    assert part.end - part.start < 11_000
    assert house.load(Batch(0, part, 1))["records_written"] == 1
    assert house.texts() == {"1.pdf page 1", "1.pdf page 2"}
