"""From files to the warehouse and back to files, with the services of the sandbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.connections.http.clock import Clock
from include.engine.errors import BatchStopped, FatalError, SettingsError, SourceChanged
from include.engine.model import Batch, KeyListRange, KeyRange, RowRange
from include.engine.plan import plan_key_list
from include.pipelines.csv.answers.pruning import Pruned
from include.pipelines.csv.answers.shares import QuotaShares
from include.pipelines.csv.answers.tables import answers, shares
from include.pipelines.csv.calls.call import Calls
from include.pipelines.csv.keys import TableKeys
from include.pipelines.csv.pipeline import pool_settings_of
from include.pipelines.csv.quota.gate import Gate
from include.pipelines.csv.row import Row
from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour, Draws
from include.warehouse.connection import Warehouse
from include.warehouse.key_lists import store_keys, store_open_rejects
from include.warehouse.pipeline import Choosing, Equipped, Pipeline
from include.warehouse.schema import ensure_tables
from include.warehouse.sink import WarehouseSink
from include.warehouse.window import Window
from tests.fixtures.arrivals import arrive, just_after
from tests.fixtures.csv_task import OWN_STEP
from tests.include.pipelines.csv.house import CsvHouse, lead, read_rows

EVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def apis() -> Iterator[WebApis]:
    with WebApis() as serving:
        yield serving


@pytest.fixture
def house(tmp_path: Path, warehouse: Warehouse, apis: WebApis) -> CsvHouse:
    return CsvHouse(tmp_path, warehouse, apis.origin)


@pytest.fixture
def local(tmp_path: Path, warehouse: Warehouse) -> CsvHouse:
    """Calls nobody."""
    alone = CsvHouse(tmp_path, warehouse, None)
    alone.settings["steps"] = (OWN_STEP,)
    return alone


def values(house: CsvHouse, column: str) -> list[Any]:
    table = house.pipeline().target.table("enriched_rows")
    with house.warehouse.connect() as connection:
        return list(connection.scalars(sa.select(table.c[column]).order_by(table.c.record_key)))


def merged(house: CsvHouse, batches: list[Batch], done: list[int], **settings: Any) -> Any:
    return house.pipeline(**settings).merge(batches, done, threading.Event())


def test_it_is_a_pipeline_with_equipment_that_chooses_among_rejects(local: CsvHouse) -> None:
    pipeline: Pipeline = local.pipeline()
    assert isinstance(pipeline, Equipped)
    assert isinstance(pipeline, Choosing)


def test_rows_are_kept_with_their_fields_and_where_they_come_from(house: CsvHouse) -> None:
    path = house.write([["Zürich AG", "zuerich.example"], ["Acme", ""]])
    house.load()
    assert values(house, "company") == ["Zürich AG", "Acme"]
    assert [json.loads(fields)["domain"] for fields in values(house, "fields")] == ["zuerich.example", ""]
    assert values(house, "file") == [str(path)] * 2
    assert values(house, "row_number") == [1, 2]
    assert all("Zürich AG" in text for text in values(house, "research_summary")[:1])


def test_what_a_step_of_your_own_makes_is_in_the_extra_column_and_in_the_file(local: CsvHouse) -> None:
    local.write(12)
    (batch,) = local.plan()
    local.load(batch)
    assert json.loads(values(local, "extra")[3]) == {"score": "4"}
    merged(local, [batch], [0])
    (made,) = local.out.iterdir()
    assert [(row["email_body"], row["score"], row["error"]) for row in read_rows(made)][3] == (
        "We know Company 3.",
        "4",
        "",
    )


def test_a_paid_answer_is_durable_before_its_row_is_committed(
    house: CsvHouse, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    house.write(1)
    pipeline = house.pipeline()
    (batch,) = pipeline.plan(10)
    seen: list[int] = []
    plain = WarehouseSink.commit

    def look_then_commit(sink: WarehouseSink, insert_batch: Any) -> Any:
        with warehouse.connect() as connection:
            seen.append(connection.scalar(sa.select(sa.func.count()).select_from(answers)) or 0)
        return plain(sink, insert_batch)

    monkeypatch.setattr(WarehouseSink, "commit", look_then_commit)
    house.load(batch)
    assert seen == [2]


def test_a_file_that_changed_after_the_plan_ends_the_batch_and_the_merge(local: CsvHouse) -> None:
    local.write(5)
    (batch,) = local.plan()
    local.load(batch)
    local.write(6)
    with pytest.raises(SourceChanged):
        local.load(batch)
    assert "not the one that was planned" in next(iter(merged(local, [batch], [0]).failed.values()))
    assert list(local.out.iterdir()) == []


def test_files_whose_batches_succeeded_are_rendered_and_the_others_named(local: CsvHouse) -> None:
    first, second = local.write(250, "a.csv"), local.write(3, "b.csv")
    batches = local.plan(file=None, inbox=str(local.inbox), batch_size=100)
    assert [batch.index for batch in batches] == [0, 1, 2, 3]
    for batch in batches[1:]:
        local.load(batch)
    found = merged(local, batches, [1, 2, 3])
    assert (found.unfinished, list(found.rendered)) == ([str(first)], [str(second)])
    assert found.rows == 3


def test_rows_that_no_batch_has_settled_are_an_error_of_their_file_alone(local: CsvHouse) -> None:
    local.write(250, "a.csv")
    local.write(3, "b.csv")
    batches = local.plan(file=None, inbox=str(local.inbox), batch_size=100)
    for batch in batches[1:]:
        local.load(batch)
    found = merged(local, batches, [0, 1, 2, 3])
    assert [reason.split(":")[0] for reason in found.failed.values()] == [
        "100 of 250 rows are not settled, the first is row 1"
    ]
    assert len(found.rendered) == 1


def test_the_plan_of_an_inbox_reads_what_arrived_within_the_window(local: CsvHouse) -> None:
    old = local.write(3, "old.csv")
    new = arrive(local.inbox / "new.CSV", b"Company\nAcme\n", after=old)
    (local.inbox / "notes.txt").write_text("no table")
    pipeline = local.pipeline(window=Window(just_after(old), EVER), file=None, inbox=str(local.inbox))
    (batch,) = pipeline.plan(10)
    assert isinstance(batch.part, RowRange)
    assert batch.part.uri == str(new)


def test_every_fault_of_every_file_is_in_one_error(local: CsvHouse) -> None:
    local.write([["x"]], "a.csv")
    (local.inbox / "b.csv").write_text("name,,name\n")
    (local.inbox / "c.csv").write_text("email_body,Company\nx,y\n")
    with pytest.raises(SettingsError) as caught:
        local.plan(file=None, inbox=str(local.inbox), mapping={"industry": "Branche"})
    text = str(caught.value)
    assert "a.csv: columns: industry: there is no column 'Branche'" in text
    assert "b.csv: header: column 2 has no name; columns 1 and 3 have the same name" in text
    assert "column 'email_body' is to be generated, and is there already" in text


def test_more_batches_than_a_run_may_have_become_fewer_within_each_file(
    local: CsvHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.pipelines.csv.planning.MAX_BATCHES", 4)
    local.write(500, "a.csv")
    local.write(3, "b.csv")
    batches = local.plan(file=None, inbox=str(local.inbox), batch_size=100)
    parts = [batch.part for batch in batches if isinstance(batch.part, RowRange)]
    assert [(part.first, part.last) for part in parts] == [(0, 200), (200, 400), (400, 500), (0, 3)]
    assert [batch.planned_records for batch in batches] == [200, 200, 100, 3]
    monkeypatch.setattr("include.pipelines.csv.planning.MAX_BATCHES", 1)
    with pytest.raises(SettingsError, match="2 files in one run, 1 are allowed"):
        local.plan(file=None, inbox=str(local.inbox), batch_size=100)


def test_listed_keys_are_found_in_their_files_and_the_others_rejected(local: CsvHouse, warehouse: Warehouse) -> None:
    local.write(20, "a.csv")
    local.write(20, "b.csv")
    batches = local.plan(file=None, inbox=str(local.inbox))
    first, second = (TableKeys(batch.part) for batch in batches if isinstance(batch.part, RowRange))
    for batch in batches:
        local.load(batch)
    keys = [second.row(7), "nobody", first.row(3), first.row(99), second.row(2)]
    assert store_keys(warehouse, "mine", keys) == 5

    line = local.load(Batch(0, KeyListRange("mine", 0, 5), 5), force=True)

    assert (line["records_written"], line["rejected_by_code"]) == (3, {"source.missing": 2})


def test_a_listed_row_whose_file_is_known_no_more_is_rejected_and_keeps_what_was_made_of_it(
    house: CsvHouse, warehouse: Warehouse
) -> None:
    house.write(2)
    (batch,) = house.plan()
    house.load(batch)
    before = values(house, "email_body")
    assert isinstance(batch.part, RowRange)
    assert all(before)
    store_keys(warehouse, "mine", [TableKeys(batch.part).row(1)])
    warehouse.transact("forget the files", lambda c: c.exec_driver_sql("DELETE FROM csv_files"))
    line = house.load(Batch(0, KeyListRange("mine", 0, 1), 1), force=True, max_reject_rate=1)
    assert line["rejected_by_code"] == {"source.missing": 1}
    assert values(house, "email_body") == before


def test_open_rejects_of_other_files_and_of_files_that_changed_are_left_alone(
    house: CsvHouse, warehouse: Warehouse
) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        house.write([["", ""], lead(1)], name)
        house.load(file=name)
    house.write([["", ""], lead(2)], "b.csv")

    def count(**settings: Any) -> int:
        pipeline = house.pipeline(**settings)
        return store_open_rejects(warehouse, "open", pipeline.name, pipeline.target, pipeline.chooses())

    assert count(file=None) == 2
    assert count(file="a.csv") == 1
    assert count(file="b.csv") == 0
    (batch,) = plan_key_list("open", count(file="c.csv"), 10)
    assert house.load(batch, file="c.csv")["rejected_by_code"] == {"csv.field_empty": 1}
    found = merged(house, [batch], [0], file="c.csv")
    assert [one.rows for one in found.rendered.values()] == [2]
    assert merged(house, [batch], [], file="c.csv").unfinished == [str(house.inbox / "c.csv")]


def test_open_rejects_beyond_the_rows_of_a_limited_run_are_tried_and_the_whole_file_is_rendered(
    house: CsvHouse, warehouse: Warehouse
) -> None:
    house.write([["", ""] if number in (150, 160) else lead(number) for number in range(200)])
    house.load()
    house.load(row_limit=10)
    pipeline = house.pipeline(file=None)
    count = store_open_rejects(warehouse, "open", pipeline.name, pipeline.target, pipeline.chooses())
    (batch,) = plan_key_list("open", count, 10)
    assert house.load(batch, file=None)["rejected_by_code"] == {"csv.field_empty": 2}
    assert [(one.rows, one.failed) for one in merged(house, [batch], [0], file=None).rendered.values()] == [(200, 2)]


def test_a_row_whose_new_try_fails_has_its_error_alone_in_the_file_and_its_old_text_in_the_table(
    house: CsvHouse, apis: WebApis
) -> None:
    house.write(2)
    (batch,) = house.plan()
    house.load(batch)
    before = values(house, "email_body")
    apis.model.draws.plan(["malformed"] * 50)
    again = {"email": {"temperature": 0.1}, "record_timeout_s": 0.5}
    house.load(batch, **again)
    merged(house, [batch], [0], **again)
    (made,) = house.out.iterdir()
    assert [(row["email_body"], row["error"].split(":")[0]) for row in read_rows(made)] == [
        ("", "gave_up.transient")
    ] * 2
    assert values(house, "email_body") == before


def test_a_batch_that_is_told_to_stop_stops_and_its_answers_stay(tmp_path: Path, warehouse: Warehouse) -> None:
    stop = threading.Event()
    with WebApis(Behaviour(latency_s=0.05)) as apis, ThreadPoolExecutor(1) as other:
        house = CsvHouse(tmp_path, warehouse, apis.origin)
        house.write(200)
        stopped = other.submit(house.load, stop=stop, workers=4)
        while len(apis.log.calls()) < 40:
            assert not stopped.done()
        stop.set()
        with pytest.raises(BatchStopped):
            stopped.result(30)
        made = len(apis.log.calls())
        house.load(run="next")
        again = sum(apis.log.paid(api)[content] > 1 for api in ("search", "model") for content in apis.log.paid(api))
    assert made < 400
    assert again <= 4
    assert len(values(house, "company")) == 200


class EndsTheBatch:
    """The first row does, once `ready`; each of the others goes on."""

    name = "ends"
    outputs = ("score",)
    needs = ("company",)
    ready: Callable[[], bool] | None = None

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> dict[str, str]:
        del given, calls
        if row.number == 1 and self.ready is not None:
            while not self.ready():
                pass
            raise FatalError("the first row ends the batch")
        return {"score": "1"}


def test_a_batch_that_ends_by_an_error_begins_no_call_and_keeps_the_answers_of_those_under_way(
    tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.engine.run.STOP_S", 0.01)
    workers = 10
    with WebApis(Behaviour(latency_s=1.0)) as apis:
        house = CsvHouse(tmp_path, warehouse, apis.origin)
        house.settings |= {"steps": (f"{__name__}:EndsTheBatch", "research", "email"), "workers": workers}
        monkeypatch.setattr(EndsTheBatch, "ready", lambda _: len(apis.log.calls()) == workers - 1)
        house.write(30)
        (batch,) = house.plan()
        with pytest.raises(FatalError, match="the first row ends the batch"):
            house.load(batch, run="run", owner="one")
        assert len(apis.log.calls("search")) == workers - 1
        assert apis.log.calls("model") == []
        monkeypatch.setattr(EndsTheBatch, "ready", None)
        apis.search.draws = Draws(Behaviour())
        house.load(batch, run="run", owner="two")
    assert set(apis.log.paid("search").values()) == {1}


def test_a_batch_that_waits_for_a_share_of_a_quota_can_be_stopped(
    house: CsvHouse, apis: WebApis, caplog: pytest.LogCaptureFixture
) -> None:
    house.extras["search"]["requests_per_minute"] = 60
    house.settings["tasks_at_once"] = 1
    house.write(3)
    (batch,) = house.plan()
    stop, search = threading.Event(), house.offers(house.pipeline().settings)["search"].service
    ensure_tables(house.warehouse, [shares])
    living = QuotaShares(house.warehouse, "living", stop=threading.Event())
    with closing(living), ThreadPoolExecutor(1) as other:
        assert living.inherit(Gate(search.settings, Clock(stop))) == {}
        stopped = other.submit(house.load, batch, stop=stop)
        while "search: other tasks work with all of the 1 shares of its quotas: this one waits" not in caplog.text:
            assert not stopped.done()
        stop.set()
        with pytest.raises(BatchStopped):
            stopped.result(30)
    assert apis.log.calls() == []
    assert house.load(batch)["records_written"] == 3


def test_no_silence_of_a_service_ends_before_its_own_timeout(house: CsvHouse) -> None:
    house.extras["model"]["timeout_s"] = 150
    offers = house.offers(house.pipeline().settings).values()
    made = pool_settings_of([offer.service for offer in offers], 20)
    assert (made.connections, made.read_timeout_s) == (40, 150)


def test_what_is_too_old_is_pruned_by_each_services_own_time_to_live(house: CsvHouse) -> None:
    house.extras["search"]["ttl_days"] = 3
    house.write(2)
    house.load()
    aged = answers.update().values(paid_at=datetime.now(UTC).replace(tzinfo=None) - timedelta(days=4))
    house.warehouse.transact("age", lambda c: c.execute(aged).rowcount)
    assert house.pipeline().prune() == Pruned(2, 0)
    query = sa.select(answers.c.endpoint)
    left = house.warehouse.transact("read", lambda c: list(c.scalars(query)), write=False)
    assert left == ["model:small", "model:small"]


def test_a_run_over_listed_rows_has_its_settings_checked_before_any_of_them(house: CsvHouse) -> None:
    house.pipeline().check()
    for settings, message in [
        ({"template": "none.txt"}, "template none.txt"),
        ({"output_folder": None}, "output_folder"),
    ]:
        with pytest.raises(SettingsError, match=message):
            house.pipeline(**settings).check()


def test_a_dry_run_has_no_batches_and_a_batch_of_one_would_not_pay(house: CsvHouse, apis: WebApis) -> None:
    house.write(30)
    (batch,) = house.plan()
    assert house.plan(dry_run=True) == []
    with pytest.raises(SettingsError, match="a batch would pay"):
        house.load(batch, dry_run=True)
    assert apis.log.calls() == []


def test_the_transform_has_no_calls_outside_of_the_equipment(house: CsvHouse) -> None:
    with pytest.raises(RuntimeError, match="equipment"):
        house.pipeline().transform()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"file": None}, "file: say which one to read, or set inbox"),
        ({"file": None, "inbox": "elsewhere"}, "inbox: there is no such folder"),
        ({"file": None, "inbox": "../out"}, "inbox: file.outside_roots"),
        ({"file": None, "inbox": "s3://rows/in/"}, "inbox: it is in S3, set s3_conn_id"),
        ({"output_folder": None}, "output_folder must be the absolute path"),
        ({"roots": ()}, "file.outside_roots"),
    ],
)
def test_places_that_are_not_as_they_must_be_are_refused(local: CsvHouse, settings: Any, message: str) -> None:
    local.write(3)
    with pytest.raises(SettingsError, match=message):
        local.plan(**settings)


def test_a_source_that_is_no_range_of_rows_is_refused(local: CsvHouse) -> None:
    local.write(3)
    with pytest.raises(FatalError, match="rows are read by range"):
        list(local.pipeline().source().read(Batch(0, KeyRange(None, None), 1)))


def test_a_pipeline_that_is_told_to_stop_asks_for_no_more_listed_keys(local: CsvHouse) -> None:
    local.write(3)
    local.load()
    pipeline, stop = local.pipeline(), threading.Event()
    pipeline.obey(stop)
    stop.set()
    with pytest.raises(BatchStopped, match="list of keys"):
        next(pipeline.source().read(Batch(0, KeyListRange("mine", 0, 1), 1)))
