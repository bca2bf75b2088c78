from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from include.connections.files.folder import LocalFolder
from include.engine.errors import BatchStopped, SettingsError
from include.engine.model import Batch, KeyListRange
from include.pipelines.pdf.texts import render
from include.warehouse.key_lists import store_keys
from tests.fixtures.pdf_files import text_pdf
from tests.include.pipelines.pdf.entries import entry, key_of
from tests.include.pipelines.pdf.house import NAMES, House


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts"
    path.mkdir()
    return path


@pytest.fixture
def asked(texts: Path) -> dict[str, Any]:
    return {"text_files": True, "text_folder": texts}


def files(texts: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in texts.iterdir()}


def named(name: str) -> str:
    return f"{key_of(name)}.txt"


def test_every_document_has_one_file_of_its_pages_in_order(
    house: House, texts: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "PAGES_AT_A_TIME", 2)
    monkeypatch.setattr(render, "KEYS", 2)
    text_pdf(house.folder / "0.pdf", [f"page {page}" for page in range(1, 12)])
    house.load(**asked)
    assert files(texts) == {
        named("0.pdf"): "\f".join(f"page {page}" for page in range(1, 12)),
        **{named(name): f"{name} page 1\f{name} page 2" for name in NAMES[1:]},
    }


def test_nobody_who_did_not_ask_gets_files(house: House, texts: Path) -> None:
    house.load(text_folder=texts)
    assert files(texts) == {}


def test_files_follow_the_committed_rows(house: House, texts: Path, asked: dict[str, Any]) -> None:
    house.load()
    house.load(**asked)
    assert set(files(texts)) == {named(name) for name in NAMES}, "the unchanged get theirs too"
    kept = (texts / named("2.pdf")).stat().st_mtime_ns
    text_pdf(house.folder / "0.pdf", ["new"])
    (house.folder / "1.pdf").write_bytes(b"%PDF-1.7 nothing")
    house.load(**asked, max_reject_rate=1)
    assert files(texts).keys() == {named("0.pdf"), named("2.pdf")}, "a document without rows has no file"
    assert files(texts)[named("0.pdf")] == "new"
    assert (texts / named("2.pdf")).stat().st_mtime_ns == kept


def test_a_retry_after_the_batch_had_succeeded_renders_what_is_missing(
    house: House, texts: Path, asked: dict[str, Any], tmp_path: Path
) -> None:
    (batch,) = house.pipeline().plan(100)
    texts.rename(tmp_path / "away")
    with pytest.raises(SettingsError, match="text_folder must be"):
        house.load(batch, run="r", **asked)
    (tmp_path / "away").rename(texts)
    line = house.load(batch, run="r", **asked)
    assert (line["attempts"], line["records_written"]) == (1, 3)
    assert set(files(texts)) == {named(name) for name in NAMES}


def test_a_run_that_is_told_to_stop_stops_between_documents(house: House, texts: Path) -> None:
    line = house.load()
    stop = threading.Event()

    class Stopping(LocalFolder):
        def put(self, name: str, file: Any) -> None:
            LocalFolder.put(self, name, file)
            stop.set()

    pipeline = house.pipeline()
    with pytest.raises(BatchStopped):
        render.render_texts(
            house.warehouse, (pipeline.name, pipeline.target), line["cycle_id"], Stopping(texts, "text_folder"), stop
        )
    assert len(files(texts)) == 1


def test_only_the_documents_of_the_cycle_are_rendered(house: House, texts: Path, asked: dict[str, Any]) -> None:
    house.load()
    house.write_manifest([entry("1.pdf", metadata={"of": "1.pdf"})])
    house.load(**asked)
    assert set(files(texts)) == {named("1.pdf")}


def test_a_key_that_is_no_documents_is_no_name_of_a_file(house: House, texts: Path, asked: dict[str, Any]) -> None:
    house.load()
    outside = texts.parent / "outside.txt"
    outside.write_text("not ours")
    store_keys(house.warehouse, "mine", ["../outside", str(key_of("1.pdf"))])
    listed = Batch(0, KeyListRange("mine", 0, 2), 2)
    house.load(listed, force=True, key_list="mine", max_reject_rate=1, **asked)
    assert outside.exists()
    assert set(files(texts)) == {named("1.pdf")}
