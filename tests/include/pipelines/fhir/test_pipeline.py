"""The pipeline against a real FHIR server and a real SQLite warehouse, without Airflow."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from include.connections.files.objects import ObjectStore
from include.engine.errors import BatchStopped, SettingsError
from include.engine.model import Batch, KeyListRange, NamedSlice, Record
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.pipeline import NAME, FhirPipeline
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.watermark import Watermark
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.key_lists import store_keys
from include.warehouse.ledger import SUCCEEDED
from include.warehouse.load import load_batch
from include.warehouse.runs import Run, finish_run, start_run
from include.warehouse.schema import prepare
from include.warehouse.verify import verify
from include.warehouse.window import Window
from tests.fixtures.fhir_server import fhir_server, load, patients
from tests.fixtures.loopback import Received, Reply, fhir, loopback, outcome
from tests.fixtures.object_store import ANY, ObjectServer
from tests.include.pipelines.fhir.client.export.bulk_server import BulkServer, patient_lines
from tests.include.pipelines.fhir.source.test_exported import deletions
from tests.include.pipelines.fhir.test_mapping import view

pytestmark = pytest.mark.slow

PEOPLE = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fhir_server(tmp_path_factory.mktemp("fhir") / "server") as base:
        load(base, patients(PEOPLE))
        yield base


@pytest.fixture
def bulk() -> Iterator[BulkServer]:
    handle = BulkServer()
    with loopback(handle) as served:
        handle.server = served
        yield handle


class Site:
    """A warehouse, and runs of the pipeline into it."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder = folder
        self.base = base
        self.warehouse: Warehouse = sqlite_warehouse(folder / "warehouse.db")
        self.runs = 0
        self.objects: ObjectStore | None = None
        """For a `kept_folder` in S3."""

    def pipeline(self, window: Window | None = None, *, number: int | None = None, **settings: Any) -> FhirPipeline:
        """Of the next run, or of one by its number."""
        given = FhirViewSettings(**{"views": ("patient_demographics", "patient_telecoms"), **settings})
        server = FhirSettings(base_url=self.base, retry_min_s=0, retry_max_s=0)
        run_ids = "d", f"r{number or self.runs + 1}"
        return FhirPipeline(given, window, server, self.warehouse, run_ids=run_ids, objects=self.objects)

    def run(self, window: Window | None = None, size: int = 50, *, again: int = 0, **settings: Any) -> Counter[str]:
        """One run from plan to verdict, or that of a number again; the counts of all batches."""
        number = again or self.runs + 1
        pipeline = self.pipeline(window, number=number, **settings)
        prepare(self.warehouse, pipeline.name, pipeline.target)
        watermark = pipeline.watermark()
        batches = pipeline.plan(size)
        run = Run(pipeline.name, pipeline.target.name, "d", f"r{number}")
        start_run(self.warehouse, run, batches, watermark=watermark)
        counts: Counter[str] = Counter(batches=len(batches))
        for batch in batches:
            counts.update(self.load(pipeline, Batch.from_json(batch.to_json()), run.run_id))
        finish_run(self.warehouse, run, SUCCEEDED, {})
        self.runs = max(number, self.runs)
        assert verify(self.warehouse, NAME, pipeline.target) == []
        return counts

    def load(self, pipeline: FhirPipeline, batch: Batch, run_id: str) -> Counter[str]:
        attempt = Attempt(NAME, pipeline.target.name, "d", run_id, "load", batch.index, run_id, 1)
        settings = pipeline.settings
        line = load_batch(
            pipeline,
            batch,
            attempt,
            self.warehouse,
            settings.engine(),
            stop=threading.Event(),
            force=settings.force,
            skip_unchanged=settings.skip_unchanged,
        )
        names = ("records_read", "records_written", "records_rejected", "records_skipped")
        return Counter({name.removeprefix("records_"): line[name] for name in names})

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def ids(self) -> set[str]:
        return {str(key) for (key,) in self.rows("SELECT resource_key FROM patient_demographics")}

    def watermark(self) -> str | None:
        found = self.rows("SELECT watermark FROM headrace_runs ORDER BY run_no DESC LIMIT 1")
        return found[0][0] if found else None


@pytest.fixture
def site(tmp_path: Path, server: str) -> Site:
    return Site(tmp_path, server)


def everyone(count: int = PEOPLE, start: int = 0) -> set[str]:
    return {f"Patient/p{number:05d}" for number in range(start, start + count)}


def test_a_first_run_loads_all_and_the_next_finds_nothing_new(site: Site) -> None:
    first = site.run()
    assert (first["read"], first["written"], first["rejected"]) == (PEOPLE, PEOPLE, 0)
    assert first["batches"] >= 3
    assert site.ids() == everyone()
    watermark = Watermark.parsed(site.watermark())
    assert watermark is not None
    assert abs(datetime.now(UTC) - watermark.moment) < timedelta(minutes=5)

    again = site.run(overlap_s=0)
    assert (again["written"], again["rejected"]) == (0, 0)
    overlapped = site.run(overlap_s=86_400)
    assert (overlapped["read"], overlapped["skipped"]) == (PEOPLE, PEOPLE), "the unchanged are skipped"


def test_a_change_is_loaded_by_the_next_run_and_no_other_resource(site: Site) -> None:
    site.run()
    load(site.base, [{"resourceType": "Patient", "id": "p00007", "gender": "other"}])
    found = site.run()
    assert (found["written"], found["read"] - found["skipped"]) == (1, 1)
    assert site.rows("SELECT gender FROM patient_demographics WHERE resource_key = 'Patient/p00007'") == [("other",)]
    load(site.base, patients(1, 7))


def test_a_run_that_is_done_again_reads_what_it_read_and_not_from_its_own_end(site: Site) -> None:
    site.run(overlap_s=0)
    load(site.base, [{"resourceType": "Patient", "id": "p00007", "gender": "other"}])
    assert site.run(overlap_s=0)["read"] == 1
    assert site.run(overlap_s=0, again=2)["read"] == 1
    assert site.run(overlap_s=0, again=1)["read"] == PEOPLE
    load(site.base, patients(1, 7))


def test_a_window_reads_its_period_and_leaves_the_watermark_alone(site: Site) -> None:
    site.run()
    before = site.watermark()
    now = datetime.now(UTC)
    found = site.run(Window(now - timedelta(days=1), now + timedelta(minutes=1)), force=True)
    assert found["written"] == PEOPLE
    assert site.watermark() is None
    assert site.run(Window(now - timedelta(days=9), now - timedelta(days=8)))["batches"] == 0
    site.run()
    after = Watermark.parsed(site.watermark())
    assert before is not None
    assert after is not None
    assert str(after) >= before  # a server may tell the time in whole seconds


def test_a_failed_run_does_not_move_the_watermark(site: Site) -> None:
    site.run()
    pipeline = site.pipeline()
    run = Run(NAME, pipeline.target.name, "d", "failed")
    start_run(site.warehouse, run, [], watermark=str(Watermark(datetime.now(UTC) + timedelta(days=9), frozenset())))
    finish_run(site.warehouse, run, "failed", {})
    load(site.base, [{"resourceType": "Patient", "id": "p00008", "gender": "other"}])
    assert site.run()["written"] == 1
    load(site.base, patients(1, 8))


def test_a_new_view_makes_the_next_run_read_its_type_again_and_only_that(site: Site) -> None:
    site.run(views=("patient_demographics", "observations"))
    assert site.rows("SELECT count(*) FROM sqlite_master WHERE name = 'patient_telecoms'") == [(0,)]
    load(site.base, [patients(1)[0] | {"telecom": [{"system": "phone", "value": "1"}]}])
    found = site.pipeline(views=("patient_demographics", "patient_telecoms", "observations")).scope()
    assert "Patient from the first; Observation changed from" in found
    counts = site.run(views=("patient_demographics", "patient_telecoms", "observations"))
    assert counts["written"] == PEOPLE
    assert site.rows("SELECT count(*) FROM patient_telecoms") == [(1,)]
    load(site.base, patients(1))


@pytest.fixture(params=["disk", "s3"])
def kept(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> tuple[dict[str, Any], Callable[[], list[str]]]:
    """The settings of a place to keep in, and what names of patients' files it has."""
    if request.param == "disk":
        folder = tmp_path / "kept"
        folder.mkdir()
        return {"kept_folder": folder}, lambda: sorted(path.name for path in (folder / "Patient").iterdir())
    s3: ObjectServer = request.getfixturevalue("s3")
    prefixes = ("s3://cases/",)
    site.objects = ObjectStore(s3.client(), prefixes)
    settings = {"kept_folder": "s3://cases/kept", "s3_conn_id": "store", "s3_prefixes": prefixes}
    return settings, lambda: [key.removeprefix("kept/Patient/") for key in s3.keys("kept/Patient/")]


def lines_in(names: Sequence[str]) -> int:
    return sum(int(name.rpartition("-")[2].partition(".")[0]) for name in names)


def test_a_changed_view_is_rebuilt_from_what_was_kept_without_asking_for_it(
    site: Site, tmp_path: Path, kept: tuple[dict[str, Any], Callable[[], list[str]]]
) -> None:
    place, names = kept
    settings = {**place, "when_views_change": "rebuild", "view_folder": view(tmp_path / "views")}
    site.run(views=("people",), **settings)
    assert {value for (value,) in site.rows("SELECT value FROM people")} == {"male", "female"}
    files = names()
    assert lines_in(files) == PEOPLE

    view(tmp_path / "views", path="gender.upper()")
    assert "Patient from what was kept" in site.pipeline(views=("people",), **settings).scope()
    first, *others = site.pipeline(views=("people",), **settings).plan(1000)
    assert (first.part, first.planned_records) == (NamedSlice("kept Patient", files[0], None), PEOPLE)
    parts = [batch.part for batch in others if isinstance(batch.part, NamedSlice)]
    assert all(part.lower is not None for part in parts), "the server is asked for changes only"
    assert site.run(views=("people",), overlap_s=0, **settings)["written"] == PEOPLE
    assert {value for (value,) in site.rows("SELECT value FROM people")} == {"MALE", "FEMALE"}
    assert site.run(views=("people",), overlap_s=0, **settings)["written"] == 0, "the views are known now"


def test_what_was_not_kept_from_the_first_run_on_is_read_again_and_not_left_out(site: Site, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    folder = view(tmp_path / "views")
    site.run(views=("people",), view_folder=folder)
    load(site.base, [{"resourceType": "Patient", "id": "p00009", "gender": "male"}])
    settings = {"kept_folder": kept, "when_views_change": "rebuild", "view_folder": folder}
    site.run(views=("people",), **settings)
    view(tmp_path / "views", path="gender.upper()")
    assert site.run(views=("people",), **settings)["written"] == PEOPLE
    load(site.base, patients(1, 9))


def test_what_was_kept_can_be_read_again_with_the_server_gone(
    site: Site, kept: tuple[dict[str, Any], Callable[[], list[str]]]
) -> None:
    place, names = kept
    site.run(**place)
    before = site.rows("SELECT * FROM patient_demographics ORDER BY 1")
    site.base = "http://127.0.0.1:9/fhir"
    found = site.run(**place, read_from="kept", force=True)
    assert found["written"] == PEOPLE
    assert site.rows("SELECT * FROM patient_demographics ORDER BY 1") == before
    assert site.watermark() is None
    assert lines_in(names()) == PEOPLE, "not kept twice"


def test_a_store_that_takes_nothing_is_found_before_the_server_is_asked(site: Site, s3: ObjectServer) -> None:
    site.base = "http://127.0.0.1:9/fhir"
    site.objects = ObjectStore(s3.client(), ())
    store = {"s3_conn_id": "store", "s3_prefixes": ("s3://nowhere/",)}
    with pytest.raises(SettingsError, match="kept_folder cannot be listed"):
        site.pipeline(kept_folder="s3://nowhere/kept/", **store).watermark()


def test_a_batch_whose_file_is_not_taken_fails_and_its_retry_loads_and_keeps_all(site: Site, s3: ObjectServer) -> None:
    site.objects = ObjectStore(s3.client(), ())
    store = {"s3_conn_id": "store", "s3_prefixes": ("s3://cases/",)}
    pipeline = site.pipeline(kept_folder="s3://cases/", **store)
    prepare(site.warehouse, pipeline.name, pipeline.target)
    (batch,) = pipeline.plan(1000)
    s3.order("denied", ANY, method="PUT")
    with pytest.raises(SettingsError, match="kept_folder does not take a file"):
        site.load(pipeline, batch, "retried")
    assert s3.keys() == []
    s3.order("denied", ANY, method="PUT", times=0)
    site.load(pipeline, batch, "retried")
    assert site.ids() == everyone()
    assert lines_in(s3.keys("Patient/")) == PEOPLE


def test_listed_keys_are_read_whenever_they_changed(site: Site) -> None:
    site.run()
    store_keys(site.warehouse, "chosen", ["Patient/p00003", "Patient/nobody"])
    pipeline = site.pipeline(key_list="chosen", force=True)
    batch = Batch.from_json({"index": 0, "kind": "key_list", "list_id": "chosen", "first": 0, "last": 2,
                             "planned_records": 2, "estimated": False})  # fmt: skip
    found = site.load(pipeline, batch, "listed")
    assert (found["written"], found["rejected"]) == (1, 1)
    assert pipeline.watermark() is None
    assert site.rows("SELECT record_key, code FROM headrace_rejects") == [("Patient/nobody", "source.missing")]


def test_a_listed_key_that_the_server_has_deleted_loses_its_rows(site: Site) -> None:
    load(site.base, patients(1, 900))
    site.run()
    assert "Patient/p00900" in site.ids()
    assert httpx2.delete(f"{site.base}/Patient/p00900").status_code < 300
    store_keys(site.warehouse, "gone", ["Patient/p00900"])
    batch = Batch.from_json({"index": 0, "kind": "key_list", "list_id": "gone", "first": 0, "last": 1,
                             "planned_records": 1, "estimated": False})  # fmt: skip
    assert site.load(site.pipeline(key_list="gone"), batch, "gone")["written"] == 1
    assert site.ids() == everyone()


def test_an_export_fills_the_tables_and_its_next_one_removes_what_was_deleted(bulk: BulkServer, tmp_path: Path) -> None:
    site = Site(tmp_path, bulk.base)
    settings = {"read_from": "export", "work_folder": tmp_path}
    bulk.files = {"a": ("output", "Patient", patient_lines(30)), "b": ("output", "Patient", patient_lines(5, 30))}
    assert site.run(size=10, **settings)["written"] == 35
    assert site.watermark() is not None
    assert str(site.watermark()).startswith("2026-03-01T12:00:00.000000Z ")

    bulk.time = "2026-03-02T12:00:00.000Z"
    bulk.files = {
        "a": ("output", "Patient", patient_lines(1, 40)),
        "c": ("deleted", "Bundle", deletions("Patient/3", "Patient/4", "Patient/777")),
    }
    found = site.run(**settings)
    assert (found["read"], found["written"]) == (4, 4)
    assert site.ids() == {f"Patient/{number}" for number in (*range(35), 40)} - {"Patient/3", "Patient/4"}
    assert bulk.server is not None
    asked = [request.query.get("_since") for request in bulk.server.received if "$export" in request.path]
    assert asked == [None, "2026-03-01T11:55:00.000Z"], "with the overlap"
    assert site.rows("SELECT outcome, row_count FROM headrace_records WHERE record_key = 'Patient/777'") == [
        ("written", 0)
    ], "what was never loaded is remembered as deleted"


def test_a_run_that_is_done_again_reads_the_state_of_the_export_that_it_has(bulk: BulkServer, tmp_path: Path) -> None:
    site = Site(tmp_path, bulk.base)
    settings = {"read_from": "export", "work_folder": tmp_path}
    bulk.files = {"a": ("output", "Patient", patient_lines(5))}
    bulk.time = "2026-03-01T12:00:00.000Z"
    site.run(**settings)
    bulk.time = "2026-03-02T12:00:00.000Z"
    again = site.pipeline(number=1, **settings)
    again.plan(50)
    assert again.reads_everything
    assert again.read_at() == datetime(2026, 3, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    assert site.pipeline(**{**settings, "read_from": "search"}).read_at() is None


def test_what_an_export_has_deleted_does_not_come_back_from_what_was_kept(bulk: BulkServer, tmp_path: Path) -> None:
    site = Site(tmp_path, bulk.base)
    (tmp_path / "kept").mkdir()
    settings = {"read_from": "export", "work_folder": tmp_path, "kept_folder": tmp_path / "kept"}
    bulk.files = {"a": ("output", "Patient", patient_lines(5))}
    site.run(**settings)
    bulk.time = "2099-03-02T12:00:00.000Z"
    bulk.files = {"c": ("deleted", "Bundle", deletions("Patient/3"))}
    site.run(**settings)
    site.run(**{**settings, "read_from": "kept", "force": True})
    assert site.ids() == {f"Patient/{number}" for number in (0, 1, 2, 4)}


def test_what_an_export_calls_deleted_and_holds_is_as_the_server_says(bulk: BulkServer, tmp_path: Path) -> None:
    def handle(request: Received) -> Reply:
        if request.path == "/fhir/Patient":
            entry = [{"resource": {"resourceType": "Patient", "id": "3", "gender": "other"}}]
            found = entry if request.query.get("_id") == "3,4" else []
            return fhir({"resourceType": "Bundle", "type": "searchset", "entry": found})
        return outcome(410, code="deleted") if request.path == "/fhir/Patient/4" else bulk(request)

    assert bulk.server is not None
    bulk.server.handle = handle
    site = Site(tmp_path, bulk.base)
    bulk.files = {
        "a": ("output", "Patient", patient_lines(5)),
        "c": ("deleted", "Bundle", deletions("Patient/3", "Patient/4")),
    }
    found = site.run(read_from="export", work_folder=tmp_path)
    assert (found["read"], found["written"]) == (7, 7)
    assert site.ids() == {f"Patient/{number}" for number in range(4)}
    assert site.rows("SELECT gender FROM patient_demographics WHERE resource_key = 'Patient/3'") == [("other",)]


def test_the_hash_of_a_resource_tells_content_and_views_of_its_type(site: Site, tmp_path: Path) -> None:
    folder = view(tmp_path / "views")
    one = site.pipeline(view_folder=folder, views=("people", "observations"))
    (record, *_) = one.source().read(Batch(0, NamedSlice("Patient", None, None), 1))
    view(folder, path="active")
    other = site.pipeline(view_folder=folder, views=("people", "observations"))
    more = site.pipeline(view_folder=folder, views=("people", "observations", "conditions"))
    assert one.content_hash(record) != other.content_hash(record) == more.content_hash(record)
    assert len({pipeline.fingerprint for pipeline in (one, other, more)}) == 3


def test_a_long_resource_is_hashed_whole(site: Site) -> None:
    pipeline = site.pipeline()
    meaning = pipeline.mapping.meanings["Patient"].encode()
    for size in (0, 2046, 2047, 2048, 10_000):
        record = Record("Patient/p1", b"x" * size)
        assert pipeline.content_hash(record) == hashlib.sha256(meaning + b"x" * size).hexdigest()


def test_worker_processes_fill_the_tables_as_threads_do(site: Site, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other", site.base)
    assert site.run()["written"] == other.run(worker_kind="processes")["written"] == PEOPLE
    query = "SELECT * FROM patient_demographics ORDER BY resource_key"
    assert site.rows(query) == other.rows(query)


def test_only_the_elements_that_views_read_are_asked_for_where_wanted(site: Site) -> None:
    pipeline = site.pipeline(only_elements=True, views=("patient_telecoms",))
    (record, *_) = pipeline.source().read(Batch(0, NamedSlice("Patient", None, None), 1))
    assert b"gender" not in record.payload


def test_a_pipeline_that_is_told_to_stop_asks_for_no_more_listed_keys(site: Site) -> None:
    pipeline = site.pipeline()
    prepare(site.warehouse, pipeline.name, pipeline.target)
    store_keys(site.warehouse, "mine", ["Patient/1"])
    stop = threading.Event()
    pipeline.obey(stop)
    stop.set()
    with pytest.raises(BatchStopped, match="list of keys"):
        next(pipeline.source().read(Batch(0, KeyListRange("mine", 0, 1), 1)))
