from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from include.engine.errors import BatchStopped, FatalError, SettingsError, SourceChanged
from include.engine.model import Batch, KeyListRange, KeyRange, NotedRows, Record
from include.engine.settings import EngineSettings
from include.pipelines.xml.language.files import CONTRACT_FOLDER
from include.pipelines.xml.pipeline import XmlPipeline
from include.pipelines.xml.settings import XmlSettings
from include.sandbox.lending import FIRST_KEY, Sample, lending_document, write_sample
from include.warehouse.attempt import Attempt
from include.warehouse.connection import Warehouse, sqlite_warehouse
from include.warehouse.key_lists import plan_listed, store_keys
from include.warehouse.ledger import SUCCEEDED
from include.warehouse.load import load_batch
from include.warehouse.runs import Run, finish_run, start_run
from include.warehouse.schema import compare, prepare
from include.warehouse.verify import verify
from include.warehouse.window import Window

NO_CHANGE_DATE = {"change_date_column": None, "without_change_date": "above_watermark"}


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return sqlite_warehouse(tmp_path / "warehouse.db")


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return write_sample(tmp_path / "source.db", 100, size_bytes=4_000, broken_share=0.2)


@pytest.fixture
def source(tmp_path: Path, sample: Sample) -> Warehouse:
    return sqlite_warehouse(tmp_path / "source.db")


def pipeline(source: Warehouse, warehouse: Warehouse, window: Window | None = None, **settings: Any) -> XmlPipeline:
    return XmlPipeline(XmlSettings(**settings), window, source, warehouse)


def test_a_batch_of_documents_lands_in_the_contracts_tables_and_the_broken_ones_in_rejects(
    source: Warehouse, warehouse: Warehouse, sample: Sample
) -> None:
    xml = pipeline(source, warehouse)
    (batch,) = xml.plan(1000)
    attempt = Attempt("xml_records", "lending", "d", "r", "load", 0, "me", 1)
    settings = EngineSettings(max_reject_rate=None)
    line = load_batch(xml, batch, attempt, warehouse, settings, stop=threading.Event())
    assert (line["records_read"], line["records_rejected"]) == (sample.documents, sample.broken)
    assert line["records_written"] == sample.documents - sample.broken

    def counts(connection: sa.Connection) -> dict[str, int]:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table.table)).scalar_one()
            for table in xml.target.tables
        }

    found = warehouse.transact("count", counts, write=False)
    assert found["app_base"] == sample.documents - sample.broken
    assert sum(found.values()) == line["rows_written"]


def test_a_contract_with_a_target_schema_gives_the_same_rows_on_sqlite_as_one_without(
    source: Warehouse, tmp_path: Path
) -> None:
    found = []
    for schema in (None, "lending"):
        contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
        folder = tmp_path / str(schema)
        folder.mkdir()
        text = json.dumps(contract | ({"target_schema": schema} if schema else {}))
        (folder / "own.json").write_text(text.replace('"contract": "lending"', '"contract": "own"'), encoding="utf-8")
        own = sqlite_warehouse(folder / "warehouse.db")
        xml = pipeline(source, own, contract="own", contract_folder=str(folder), max_reject_rate=1)
        (batch,) = xml.plan(1000)
        for run_id in ("r1", "r2"):
            attempt = Attempt("xml_records", "own", "d", run_id, "load", 0, run_id, 1)
            load_batch(xml, batch, attempt, own, xml.settings.engine(), stop=threading.Event())
        assert verify(own, "xml_records", xml.target) == []
        assert compare(own, "xml_records", xml.target) == []
        assert xml.target.schema == schema
        with own.connect() as connection:
            found.append({t.name: connection.execute(sa.select(t.table)).all() for t in xml.target.tables})
    assert found[0] == found[1]
    assert found[0]["app_base"]


def test_worker_processes_give_the_tables_and_rejects_that_threads_give(
    source: Warehouse, warehouse: Warehouse, tmp_path: Path
) -> None:
    results = []
    for kind in ("threads", "processes"):
        own = sqlite_warehouse(tmp_path / f"{kind}.db")
        xml = pipeline(source, own, worker_kind=kind, max_reject_rate=1)
        (batch,) = xml.plan(1000)
        attempt = Attempt("xml_records", "lending", "d", "r", "load", 0, "me", 1)
        line = load_batch(xml, batch, attempt, own, xml.settings.engine(), stop=threading.Event())
        assert not line["stats"]["degraded"]
        with own.connect() as connection:
            tables = {t.name: connection.execute(sa.select(t.table)).all() for t in xml.target.tables}
            rejects = connection.exec_driver_sql("SELECT record_key, code, message FROM headrace_rejects").all()
        results.append((line["records_written"], line["records_rejected"], tables, sorted(rejects)))
    assert results[0] == results[1]
    assert results[0][1] > 0


def test_a_plan_covers_range_and_window(source: Warehouse, warehouse: Warehouse) -> None:
    assert [batch.part for batch in pipeline(source, warehouse).plan(60)] == [
        KeyRange(None, FIRST_KEY + 60),
        KeyRange(FIRST_KEY + 60, None),
    ]
    ranged = pipeline(source, warehouse, key_lower=str(FIRST_KEY + 10), key_upper=FIRST_KEY + 30).plan(60)
    assert ranged == [Batch(0, KeyRange(FIRST_KEY + 10, FIRST_KEY + 30), 20)]
    hour = Window(datetime(2025, 1, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, 2, tzinfo=UTC))
    for backwards in ({"key_lower": 3, "key_upper": "3"}, {"key_lower": "30", "key_upper": 4}):
        with pytest.raises(SettingsError, match="key_lower must lie before key_upper"):
            pipeline(source, warehouse, **backwards).plan(60)
    windowed = pipeline(source, warehouse, hour)
    assert sum(batch.planned_records for batch in windowed.plan(10)) == 40
    assert "changed from" in windowed.scope()


def test_without_a_change_date_a_run_reads_above_the_last_successful_runs_highest_key(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    first = pipeline(source, warehouse, **NO_CHANGE_DATE)
    prepare(warehouse, first.name, first.target)
    run = Run(first.name, first.target.name, "d", "r")
    mark, batches = first.watermark(), first.plan(1000)
    assert first.scope().endswith("all keys: no run has left a watermark yet")
    assert sum(batch.planned_records for batch in batches) == 100
    start_run(warehouse, run, batches, watermark=mark)
    finish_run(warehouse, run, SUCCEEDED, {})
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("INSERT INTO app_xml VALUES (?, '<x/>', '2025-02-01')", (FIRST_KEY + 500,))
    second = pipeline(source, warehouse, **NO_CHANGE_DATE)
    assert [batch.part for batch in second.plan(1000)] == [KeyRange(FIRST_KEY + 100, None)]
    assert second.scope().endswith("keys above the last successful run's")
    assert pipeline(source, warehouse, **NO_CHANGE_DATE, force=True).scope().endswith("all keys (force)")


def test_a_run_that_is_done_again_reads_what_it_read_and_not_above_its_own_highest_key(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    def run(run_id: str) -> list[Any]:
        xml = XmlPipeline(XmlSettings(**NO_CHANGE_DATE), None, source, warehouse, run_ids=("d", run_id))
        prepare(warehouse, xml.name, xml.target)
        mark, batches = xml.watermark(), xml.plan(1000)
        assert not xml.reads_everything, "the watermark may come and go until the run is judged"
        start_run(warehouse, Run(xml.name, xml.target.name, "d", run_id), batches, watermark=mark)
        finish_run(warehouse, Run(xml.name, xml.target.name, "d", run_id), SUCCEEDED, {})
        return [batch.part for batch in batches]

    assert run("first") == run("first") == [KeyRange(None, None)]
    with closing(sqlite3.connect(tmp_path / "source.db")) as connection, connection:
        connection.execute("INSERT INTO app_xml VALUES (?, '<x/>', '2025-02-01')", (FIRST_KEY + 500,))
    assert run("second") == run("second") == [KeyRange(FIRST_KEY + 100, None)]
    assert run("third") == []


def test_force_reads_everything_whatever_the_watermark(source: Warehouse, warehouse: Warehouse) -> None:
    assert pipeline(source, warehouse, **NO_CHANGE_DATE, force=True).reads_everything
    assert not pipeline(source, warehouse, **NO_CHANGE_DATE, force=True, key_lower=1).reads_everything


@pytest.mark.parametrize(
    "part", [{"key_lower": FIRST_KEY}, {"key_upper": 5}, {"key_list": "x"}, {"open_rejects_only": True}]
)
def test_a_run_over_a_part_leaves_no_watermark(source: Warehouse, warehouse: Warehouse, part: dict[str, Any]) -> None:
    assert pipeline(source, warehouse, **NO_CHANGE_DATE).watermark() == str(FIRST_KEY + 99)
    assert pipeline(source, warehouse, **NO_CHANGE_DATE, **part).watermark() is None
    assert pipeline(source, warehouse).watermark() is None


def test_a_table_that_is_not_there_is_found_before_its_listed_keys_are_asked_for(
    source: Warehouse, warehouse: Warehouse
) -> None:
    pipeline(source, warehouse, key_list="mine").check()
    for wrong in ({"source_table": "app_xmls"}, {"xml_column": "xmls"}):
        with pytest.raises(SettingsError, match="xmls"):
            pipeline(source, warehouse, key_list="mine", **wrong).check()


def test_keys_of_another_kind_than_the_contracts_are_refused_when_planning(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
    contract["key"]["type"] = "string(20)"
    (tmp_path / "lending.json").write_text(json.dumps(contract))
    with pytest.raises(SettingsError, match=r"key\.type"):
        pipeline(source, warehouse, contract_folder=tmp_path).plan(10)
    with pytest.raises(SettingsError, match=r"key\.type"):
        pipeline(source, warehouse, contract_folder=tmp_path, key_list="mine").check()
    for bound in ("x", "1_0", "\uff11", "9" * 19, "9" * 200):
        with pytest.raises(SettingsError, match="key_lower, key_upper: the contract's keys are numbers of 64 bits"):
            pipeline(source, warehouse, key_lower=bound).plan(10)


@pytest.fixture
def text_keys(tmp_path: Path) -> tuple[Warehouse, dict[str, Any]]:
    """A table whose keys are text that sorts without case, and the settings that read it."""
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
    contract["key"]["type"] = "string(20)"
    (tmp_path / "lending.json").write_text(json.dumps(contract))
    with closing(sqlite3.connect(tmp_path / "texts.db")) as connection, connection:
        connection.execute("CREATE TABLE app_xml (app_id TEXT COLLATE NOCASE PRIMARY KEY, xml TEXT, changed_at TEXT)")
        rows = [(key, "<x/>", "2025-01-01") for key in ("a1", "B1", "c1", "D1", "e1")]
        connection.executemany("INSERT INTO app_xml VALUES (?, ?, ?)", rows)
    return sqlite_warehouse(tmp_path / "texts.db"), {"contract_folder": tmp_path}


def test_a_range_of_text_keys_that_ends_before_it_begins_is_refused_by_the_databases_order(
    text_keys: tuple[Warehouse, dict[str, Any]], warehouse: Warehouse
) -> None:
    source, settings = text_keys
    for lower, upper in (("d", "b"), ("D", "b"), ("d", "B"), ("b", "b")):
        with pytest.raises(SettingsError, match="key_lower must lie before key_upper"):
            pipeline(source, warehouse, **settings, key_lower=lower, key_upper=upper).plan(10)
    for lower, upper, keys in (("b", "D", 2), ("B", "d", 2), ("x", "y", 0), ("b", "b0", 0)):
        batches = pipeline(source, warehouse, **settings, key_lower=lower, key_upper=upper).plan(10)
        assert sum(batch.planned_records for batch in batches) == keys
    nothing = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    with pytest.raises(SettingsError, match="key_lower must lie before key_upper"):
        pipeline(source, warehouse, nothing, **settings, key_lower="d", key_upper="b").plan(10)


@pytest.mark.parametrize("batch_size", [2, 10])
def test_a_key_that_is_null_is_found_by_the_plan_whatever_the_number_of_batches(
    tmp_path: Path, text_keys: tuple[Warehouse, dict[str, Any]], warehouse: Warehouse, batch_size: int
) -> None:
    source, settings = text_keys
    with closing(sqlite3.connect(tmp_path / "texts.db")) as connection, connection:
        connection.execute("INSERT INTO app_xml VALUES (NULL, '<x/>', '2025-01-01')")
    with pytest.raises(FatalError, match=r"key_column: a key of the source is NULL, .*: read a view without it"):
        pipeline(source, warehouse, **settings).plan(batch_size)
    other = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    assert pipeline(source, warehouse, other, **settings).plan(batch_size) == [], "it is none of that window"
    assert pipeline(source, warehouse, **settings, key_lower="b").plan(batch_size), "nor of a range that is asked for"


@pytest.mark.parametrize(("vanished", "left"), [("keep", 10), ("count", 10), ("remove", 9)])
def test_a_listed_document_that_vanished_is_rejected_and_its_rows_stay_unless_vanished_ones_are_removed(
    tmp_path: Path, warehouse: Warehouse, vanished: str, left: int
) -> None:
    write_sample(tmp_path / "ten.db", 10, size_bytes=4_000)
    ten = sqlite_warehouse(tmp_path / "ten.db")
    load_once(pipeline(ten, warehouse), warehouse, "all")
    with closing(sqlite3.connect(tmp_path / "ten.db")) as connection, connection:
        connection.execute("DELETE FROM app_xml WHERE app_id = ?", (FIRST_KEY,))
    store_keys(warehouse, "mine", [FIRST_KEY, FIRST_KEY + 1])
    line = load_once(pipeline(ten, warehouse, key_list="mine", vanished=vanished), warehouse, "listed")
    assert (line["records_written"], line["rejected_by_code"]) == (1, {"source.missing": 1})
    with warehouse.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM app_base").scalar_one() == left
    assert verify(warehouse, "xml_records", pipeline(ten, warehouse).target) == []


def test_a_list_that_is_replaced_between_plan_and_load_is_fatal(source: Warehouse, warehouse: Warehouse) -> None:
    xml = pipeline(source, warehouse, key_list="mine")
    prepare(warehouse, xml.name, xml.target)
    store_keys(warehouse, "mine", [FIRST_KEY])
    (batch,) = plan_listed(warehouse, "mine", 10)
    store_keys(warehouse, "mine", [FIRST_KEY + 1])
    with pytest.raises(SourceChanged, match="list mine: positions 0 to 1 do not hold the keys that were planned"):
        list(xml.source().read(batch))


def load_once(xml: XmlPipeline, warehouse: Warehouse, run_id: str) -> dict[str, Any]:
    """In one batch."""
    prepare(warehouse, xml.name, xml.target)
    listed = xml.settings.key_list
    (batch,) = xml.plan(1000) if listed is None else plan_listed(warehouse, listed, 1000)
    attempt = Attempt(xml.name, xml.target.name, "d", run_id, "load", 0, run_id, 1)
    return load_batch(xml, batch, attempt, warehouse, EngineSettings(), stop=threading.Event())


def test_the_fingerprint_is_that_of_what_decides_the_rows(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    text = (CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8")
    (tmp_path / "lending.json").write_text(text.replace('"default": 3', '"default": 4'))
    plain = pipeline(source, warehouse).fingerprint
    assert plain == pipeline(source, warehouse, workers=7, key_lower=3, page_rows=5).fingerprint
    others = {
        pipeline(source, warehouse, contract_folder=tmp_path).fingerprint,
        pipeline(source, warehouse, fallback_encoding="cp1252").fingerprint,
        pipeline(source, warehouse, max_depth=50).fingerprint,
    }
    assert len(others | {plain}) == 4
    assert len(plain) <= 64


def test_what_a_contract_says_in_other_words_is_the_same_fingerprint(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    text = (CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8")
    plain = pipeline(source, warehouse).fingerprint
    for found, written, same in (
        ('"default": 3', '"default": 3, "steps": [], "too_long": "reject"', True),
        ('"default": 3', '"default": 3, "steps": ["digits"]', False),
        ('"name": "app_base",', '"name": "app_base", "identity_insert": true,', False),
        ('"version": 1,', '"version": 1, "enumerations": {"a": {"x": 1}},', False),
    ):
        assert found in text
        (tmp_path / "lending.json").write_text(text.replace(found, written, 1))
        assert (pipeline(source, warehouse, contract_folder=tmp_path).fingerprint == plain) is same


def test_rows_say_which_columns_had_a_value_by_names_that_the_pipeline_knows(
    source: Warehouse, warehouse: Warehouse
) -> None:
    xml = pipeline(source, warehouse)
    assert len(xml.mark_names) == 160
    document = lending_document(FIRST_KEY, size_bytes=4_000)
    rows = xml.transform()(Record(FIRST_KEY, document))
    assert isinstance(rows, NotedRows)
    names = {name for bit, name in enumerate(xml.mark_names) if rows.marks >> bit & 1}
    assert "app_base.status" in names
    assert len(names) < 160


def test_the_content_hash_changes_with_the_document_and_with_the_contract(
    tmp_path: Path, source: Warehouse, warehouse: Warehouse
) -> None:
    text = (CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8")
    (tmp_path / "lending.json").write_text(text.replace('"default": 3', '"default": 4'))
    xml, other = pipeline(source, warehouse), pipeline(source, warehouse, contract_folder=tmp_path)
    record = Record(1, "<a>é</a>")
    assert xml.content_hash(record) == xml.content_hash(Record(2, "<a>é</a>".encode()))
    assert xml.content_hash(record) != xml.content_hash(Record(1, "<a>e</a>"))
    assert xml.content_hash(record) != other.content_hash(record)
    assert len(xml.content_hash(Record(1, None))) <= 64


class HeldAfterOne(XmlPipeline):
    """Somebody else takes its source once the first document was read."""

    hold: Callable[[], object]

    def source(self) -> Any:
        source, hold = super().source(), self.hold

        class Held:
            def read(self, batch: Batch) -> Iterator[Record]:
                records = source.read(batch)
                yield next(records)
                hold()
                yield from records

        return Held()


def test_a_stop_ends_the_wait_for_a_source_that_another_holds(
    source: Warehouse, warehouse: Warehouse, tmp_path: Path
) -> None:
    stop = threading.Event()
    path = tmp_path / "source.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        # As a source is opened: it must not be changed, so its readers wait for writers.
        read_only = Warehouse("sqlite", partial(sqlite3.connect, f"{path.as_uri()}?mode=ro", uri=True, timeout=0.25))
        xml = HeldAfterOne(XmlSettings(page_rows=10), None, read_only, warehouse)
        xml.hold = lambda: (other.execute("BEGIN EXCLUSIVE"), stop.set())
        (batch,) = pipeline(source, warehouse).plan(1000)
        other.execute("PRAGMA journal_mode = DELETE")
        attempt = Attempt("xml_records", "lending", "d", "r", "load", 0, "me", 1)
        with pytest.raises(BatchStopped):
            load_batch(xml, batch, attempt, warehouse, EngineSettings(max_reject_rate=None), stop=stop)
        assert other.in_transaction
        left = [thread.name for thread in threading.enumerate() if thread.name == "headrace-reader"]
        assert left == [], "the reader has ended, it was not left behind"


def test_a_pipeline_that_is_told_to_stop_asks_for_no_more_listed_keys(source: Warehouse, warehouse: Warehouse) -> None:
    xml = pipeline(source, warehouse)
    prepare(warehouse, xml.name, xml.target)
    store_keys(warehouse, "mine", [FIRST_KEY])
    stop = threading.Event()
    xml.obey(stop)
    stop.set()
    with pytest.raises(BatchStopped, match="list of keys"):
        next(xml.source().read(Batch(0, KeyListRange("mine", 0, 1), 1)))
