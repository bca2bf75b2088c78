"""The Dag in real Airflow, task after task in this process, against both web APIs on loopback."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.sdk.api.datamodels._generated import DagRunState
from airflow.utils.session import create_session
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from include.engine.errors import SettingsError
from include.sandbox.web_apis import API_KEY, WebApis
from tests.fixtures.object_store import SECRET, object_server
from tests.fixtures.tables import assert_every_record_settled_once, one, rows

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("Account", "Website", "First name", "Notes")
ROWS, DOMAINS = 120, 30
SECRETIVE = "a note that no log may have"
GENERATED = ("research_summary", "email_body", "personalized_line", "error")

Run = Callable[..., str]


def leads(count: int = ROWS) -> list[list[str]]:
    """Four rows a domain; the third row names no company, and the fifth is ragged in `write_leads`."""
    lines = [[f"Company {n % DOMAINS}", f"c{n % DOMAINS}.example", f"Name {n}", SECRETIVE] for n in range(count)]
    lines[2][:2] = ["", ""]
    return lines


def write_leads(path: Path, lines: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *lines])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def apis() -> Iterator[WebApis]:
    with WebApis() as serving:
        yield serving


@pytest.fixture
def variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for folder in ("inbox", "out"):
        (tmp_path / folder).mkdir()

    def set_it(**more: Any) -> None:
        settings = {"roots": [str(tmp_path / "inbox")], "output_folder": str(tmp_path / "out"), **more}
        monkeypatch.setenv("AIRFLOW_VAR_HEADRACE_CSV_ENRICHMENT", json.dumps(settings))

    set_it()
    return set_it


@pytest.fixture
def run(
    airflow_database: None,
    warehouse: Path,
    apis: WebApis,
    variable: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    structured = {"model": "small", "structured": "json_schema"}
    for name, extra in (("research", {}), ("email", structured)):
        connection = {"conn_type": "http", "host": apis.origin, "password": API_KEY, "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_HEADRACE_{name.upper()}", json.dumps(connection))

    def run_it(**conf: Any) -> str:
        # A new one each time: `dag.test` leaves the run's conf in the Params of the Dag.
        dag = DagBag(str(ROOT / "dags")).dags["csv_enrichment"]
        return str(dag.test(run_conf={"file": "leads.csv", "batch_size": 50, **conf}).state)

    return run_it


@pytest.fixture
def inbox(tmp_path: Path, variable: Callable[..., None]) -> Path:
    write_leads(tmp_path / "inbox" / "leads.csv", leads())
    return tmp_path / "inbox"


def last_xcom(key: str) -> Any:
    with create_session() as session:
        query = select(XComModel.value).where(XComModel.key == key).order_by(XComModel.timestamp.desc()).limit(1)
        return XComModel.deserialize_value(session.execute(query).one())


def output(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "out").iterdir()
    return found


def test_rows_come_out_in_their_order_each_enriched_or_with_its_error_and_no_call_is_made_twice(
    run: Run,
    inbox: Path,
    warehouse: Path,
    apis: WebApis,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    assert run() == DagRunState.SUCCESS

    found = read_csv(output(tmp_path))
    assert list(found[0]) == [*HEADER, *GENERATED]
    assert [[row[name] for name in HEADER] for row in found] == leads()
    assert [number for number, row in enumerate(found) if row["error"]] == [2]
    assert found[2]["error"].startswith("csv.field_empty: ")
    assert found[2]["email_body"] == found[2]["research_summary"] == ""
    good = [row for row in found if not row["error"]]
    assert all(
        row["email_body"] and row["personalized_line"] and row["Account"] in row["research_summary"] for row in good
    )
    assert set(apis.log.paid("search").values()) == {1}
    assert len(apis.log.paid("search")) == DOMAINS
    assert len(apis.log.paid("model")) == len(apis.log.calls("model")) == ROWS - 1
    assert_every_record_settled_once(warehouse, "csv_enrichment", ROWS)
    assert one(warehouse, "SELECT email_body FROM enriched_rows WHERE row_number = 7") == found[6]["email_body"]
    with create_session() as session:
        extra = session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(1)).one().extra
    assert (extra["records_read"], extra["records_rejected"]) == (ROWS, 1)
    summary = json.loads(one(warehouse, "SELECT summary FROM headrace_runs"))
    assert summary["batches_planned"] == 3
    seen = caplog.text + "".join(capfd.readouterr())
    for value in (SECRETIVE, "Name 7", "c7.example", found[6]["email_body"], API_KEY + '"'):
        assert value not in seen


def test_a_second_run_pays_nothing_nor_does_a_file_that_grew_but_for_its_new_rows_and_force_pays_again(
    run: Run, inbox: Path, warehouse: Path, apis: WebApis, tmp_path: Path
) -> None:
    assert run() == DagRunState.SUCCESS
    first = output(tmp_path).read_bytes()
    paid = len(apis.log.calls())

    with closing(sqlite3.connect(warehouse)) as connection, connection:
        old = ("d" * 64, "model:another", "too old to be used", 1, "2000-01-01 00:00:00.000000")
        connection.execute("INSERT INTO csv_answers VALUES (?, ?, ?, ?, ?)", old)
    assert run() == DagRunState.SUCCESS
    assert len(apis.log.calls()) == paid
    assert one(warehouse, "SELECT count(*) FROM csv_answers WHERE endpoint = 'model:another'") == 0
    assert one(warehouse, "SELECT count(*) FROM csv_answers") == paid
    assert output(tmp_path).read_bytes() == first
    assert one(warehouse, "SELECT sum(records_skipped) FROM headrace_batches") == ROWS - 1

    write_leads(inbox / "leads.csv", [*leads(), ["New", "new.example", "Ann", ""]])
    assert run() == DagRunState.SUCCESS
    assert len(apis.log.calls()) == paid + 2
    assert len(read_csv(output(tmp_path))) == ROWS + 1

    assert run(force=True) == DagRunState.SUCCESS
    assert len(apis.log.calls()) == 2 * (paid + 2)
    assert set(apis.log.paid("search").values()) == {2}


def test_a_dry_run_calls_nobody_writes_nothing_and_estimates(
    run: Run, inbox: Path, warehouse: Path, apis: WebApis, tmp_path: Path
) -> None:
    assert run(dry_run=True) == DagRunState.SUCCESS

    assert apis.log.calls() == []
    assert list((tmp_path / "out").iterdir()) == []
    assert one(warehouse, "SELECT count(*) FROM headrace_records") == 0
    estimate = last_xcom("estimate")
    assert (estimate["rows"], estimate["rows_sampled"], estimate["sampled_rejected"]) == (ROWS, 20, 1)
    assert estimate["calls"] == {"search": 114, "model": 114}
    assert estimate["prompt_tokens"] > 114 * 50
    assert (estimate["cost"], estimate["price_unknown"]) == (None, ["model", "search"])
    assert estimate["minutes"] > 0


def test_failed_rows_alone_are_tried_again_and_their_file_is_rendered_whole(
    run: Run, inbox: Path, warehouse: Path, apis: WebApis, tmp_path: Path
) -> None:
    apis.model.draws.plan(["malformed"] * 40)
    assert run(max_reject_rate=1, workers=4, record_timeout_s=1) == DagRunState.SUCCESS
    failed = [row for row in read_csv(output(tmp_path)) if row["error"]]
    assert len(failed) > 1
    apis.model.draws.script.clear()

    assert run(open_rejects_only=True, max_reject_rate=1) == DagRunState.SUCCESS

    assert rows(warehouse, "SELECT records_planned FROM headrace_runs ORDER BY run_no")[-1] == (len(failed),)
    found = read_csv(output(tmp_path))
    assert [[row[name] for name in HEADER] for row in found] == leads()
    assert [number for number, row in enumerate(found) if row["error"]] == [2]
    assert set(apis.log.paid("search").values()) == {1}


def test_a_file_of_another_name_keeps_its_rejects(run: Run, inbox: Path, warehouse: Path, apis: WebApis) -> None:
    write_leads(inbox / "other.csv", leads(5))
    assert run() == DagRunState.SUCCESS
    assert run(file="other.csv") == DagRunState.SUCCESS

    assert run(file="other.csv", open_rejects_only=True) == DagRunState.SUCCESS

    assert rows(warehouse, "SELECT records_planned FROM headrace_runs ORDER BY run_no")[-1] == (1,)
    assert one(warehouse, "SELECT count(*) FROM headrace_rejects WHERE resolved_at IS NULL") == 2


def test_a_run_whose_file_was_not_rendered_is_red(
    run: Run,
    inbox: Path,
    warehouse: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SettingsError("output_folder does not take a file: OSError")

    monkeypatch.setattr("include.pipelines.csv.merge.render_table", refuse)
    assert run() == DagRunState.FAILED
    log = capfd.readouterr().out + caplog.text
    assert "leads.csv: output_folder does not take a file: OSError" in log
    assert "the rows are loaded, task merge has failed" in log
    assert_every_record_settled_once(warehouse, "csv_enrichment", ROWS)


def test_xlsx_comes_out_as_xlsx_with_the_cells_that_came_in(
    run: Run, inbox: Path, warehouse: Path, tmp_path: Path
) -> None:
    workbook = Workbook()
    lines: list[list[Any]] = [
        ["Company", "Domain", "Employees"],
        ["Acme", "acme.example", 12],
        ["Beta", "b.example", 1.5],
    ]
    for line in lines:
        workbook.active.append(line)
    workbook.save(inbox / "book.xlsx")

    assert run(file="book.xlsx") == DagRunState.SUCCESS

    found = [list(line) for line in load_workbook(output(tmp_path)).active.iter_rows(values_only=True)]
    assert [line[:3] for line in found] == lines
    assert found[0][3:] == list(GENERATED)
    assert all(line[4] and line[6] is None for line in found[1:])


def test_the_inbox_is_read_by_the_date_of_arrival_and_files_keep_apart(
    run: Run, inbox: Path, variable: Callable[..., None], warehouse: Path, tmp_path: Path
) -> None:
    variable(inbox=str(inbox))
    (inbox / "deeper").mkdir()
    write_leads(inbox / "deeper" / "leads.csv", leads(7))
    ever = {"window_start": "2000-01-01T00:00:00Z", "window_end": "2100-01-01T00:00:00Z"}
    past = {"window_start": "2000-01-01T00:00:00Z", "window_end": "2000-01-02T00:00:00Z"}

    assert run(file=None, **past) == DagRunState.SUCCESS
    assert list((tmp_path / "out").iterdir()) == []
    assert run(file=None, **ever) == DagRunState.SUCCESS

    assert_every_record_settled_once(warehouse, "csv_enrichment", ROWS + 7)
    assert sorted(len(read_csv(path)) for path in (tmp_path / "out").iterdir()) == [7, ROWS]


def test_rows_in_s3_go_out_to_s3(
    run: Run, variable: Callable[..., None], inbox: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    with object_server() as s3:
        s3.start_afresh()
        monkeypatch.setenv("AIRFLOW_CONN_CASE_STORE", s3.connection())
        s3.put("incoming/leads.csv", (inbox / "leads.csv").read_bytes())
        variable(s3_conn_id="case_store", s3_prefixes=["s3://cases/incoming/"], output_folder="s3://cases/out/")

        assert run(file="s3://cases/incoming/leads.csv") == DagRunState.SUCCESS

        assert_every_record_settled_once(warehouse, "csv_enrichment", ROWS)
        assert len(s3.keys("out/")) == 1
        assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("conf", "messages"),
    [
        ({"file": "none.csv"}, ["file.missing"]),
        ({"file": "../out/x.csv"}, ["file.outside_roots"]),
        ({"file": "s3://cases/incoming/x.csv"}, ["set s3_conn_id and s3_prefixes"]),
        ({"roots": ["/"]}, ["unknown in the run's conf: roots"]),
        (
            {"mapping": {"company": "Acount", "industry": "Branch"}, "columns": ["Wbsite"]},
            ["no column 'Acount', 'Account' perhaps", "no column 'Branch'", "no column 'Wbsite'"],
        ),
        ({"template": "none.txt"}, ["template none.txt cannot be read"]),
        ({"dry_run": True, "open_rejects_only": True}, ["dry_run looks at whole files"]),
    ],
)
def test_bad_input_fails_the_plan_with_every_fault_before_any_call(
    run: Run,
    inbox: Path,
    warehouse: Path,
    apis: WebApis,
    caplog: pytest.LogCaptureFixture,
    capfd: Any,
    conf: Any,
    messages: list[str],
) -> None:
    assert run(**conf) == DagRunState.FAILED
    log = capfd.readouterr().out + caplog.text
    for message in messages:
        assert message in log
    assert apis.log.calls() == []
    if warehouse.exists():
        assert one(warehouse, "SELECT count(*) FROM headrace_records") == 0
