from __future__ import annotations

import logging
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from include.connections.files.location import ObjectPin, RemoteFile
from include.engine.errors import BatchStopped, SettingsError
from include.engine.model import Rows
from include.pipelines.pdf.processing import process_document_manifest, process_pdf_batch
from include.pipelines.pdf.rows import DOCUMENTS, PAGES
from include.pipelines.pdf.settings import PdfSettings
from include.pipelines.pdf.statistics import PdfStatistics
from tests.fixtures.pdf_files import bomb_pdf, endless_pdf, text_pdf
from tests.include.pipelines.pdf.child_transforms import CrashingSettings
from tests.include.pipelines.pdf.entries import document, entry, key_of, write_lines
from tests.include.pipelines.pdf.known_documents import READ, REFUSED, make_generated_set

pytestmark = pytest.mark.slow


class Delivered:
    """Rows by file, and the proof that none came twice."""

    def __init__(self, names: list[str]) -> None:
        self.names = {str(key_of(name)): name for name in names}
        self.rows: dict[str, Rows] = {}

    def __call__(self, key: str, rows: Rows) -> None:
        assert self.names[key] not in self.rows, "delivered twice"
        self.rows[self.names[key]] = rows


def codes(statistics: PdfStatistics, delivered: Delivered) -> dict[str, str]:
    return {delivered.names[one.document_uuid]: one.code for one in statistics.results if one.code is not None}


@pytest.fixture(scope="module")
def real(test_data: Path) -> tuple[PdfStatistics, Delivered]:
    """All real files, read without OCR in two processes."""
    folder = test_data / "data/pdf"
    names = sorted(path.name for path in folder.glob("*.pdf"))
    delivered = Delivered(names)
    settings = PdfSettings(roots=(folder,), ocr="never")
    statistics = process_pdf_batch([document(name) for name in names], 2, settings=settings, deliver=delivered)
    return statistics, delivered


def test_every_real_file_is_read_or_refused_as_the_tables_say(real: tuple[PdfStatistics, Delivered]) -> None:
    statistics, delivered = real
    assert codes(statistics, delivered) == REFUSED
    assert set(delivered.rows) == set(READ)
    assert (statistics.total, statistics.succeeded, statistics.failed) == (31, 29, 2)
    assert statistics.pages == sum(pages for pages, *_ in READ.values())


@pytest.mark.parametrize("name", READ)
def test_a_real_file_gives_its_pages_characters_language_and_text(
    real: tuple[PdfStatistics, Delivered], name: str
) -> None:
    pages, characters, needs_ocr, language, text = READ[name]
    rows = real[1].rows[name]
    (found,) = rows[DOCUMENTS]
    assert (found[5], found[6], found[7], found[10]) == (pages, characters, language, needs_ocr)
    assert [row[1] for row in rows[PAGES]] == list(range(1, pages + 1))
    assert any(text in row[2] for row in rows[PAGES])
    assert sum(row[3] == "needs_ocr" for row in rows[PAGES]) == needs_ocr


@pytest.fixture
def hundred(folder: Path) -> list[str]:
    names = [f"{number}.pdf" for number in range(100)]
    for name in names:
        text_pdf(folder / name, [f"healthy {name}"])
    return names


def test_a_hang_a_crash_and_one_that_takes_all_memory_cost_themselves_and_none_of_a_hundred_neighbours(
    folder: Path, hundred: list[str]
) -> None:
    """PDFium itself runs out of memory; the endless page does so too, or out of time, whichever comes first."""
    endless_pdf(folder / "endless.pdf")
    bomb_pdf(folder / "memory.pdf", 400)
    for name in ("crash.pdf", "hang.pdf"):
        text_pdf(folder / name, ["x"])
    names = [*hundred[:20], "hang.pdf", *hundred[20:50], "crash.pdf", *hundred[50:60], "endless.pdf", *hundred[60:90]]
    names += ["memory.pdf", *hundred[90:]]
    delivered = Delivered(names)
    settings = CrashingSettings(
        roots=(folder,), ocr="never", record_timeout_s=6, memory_limit_bytes=320 * 2**20, max_reject_rate=1
    )
    statistics = process_pdf_batch([document(name) for name in names], 2, settings=settings, deliver=delivered)
    found = codes(statistics, delivered)
    assert found.pop("endless.pdf") in {"timeout.transform", "worker.crashed"}
    assert found == {
        "hang.pdf": "timeout.transform",
        "crash.pdf": "worker.crashed",
        "memory.pdf": "worker.crashed",
    }
    assert {name: rows[PAGES][0][2] for name, rows in delivered.rows.items()} == {n: f"healthy {n}" for n in hundred}
    assert (statistics.total, statistics.succeeded, statistics.failed) == (104, 100, 4)


def test_one_of_each_kind_gives_its_rows_or_its_reject_and_the_batch_succeeds(folder: Path) -> None:
    expected = make_generated_set(folder)
    delivered = Delivered(list(expected))
    settings = PdfSettings(roots=(folder,), ocr="never", memory_limit_bytes=320 * 2**20)
    statistics = process_pdf_batch([document(name) for name in expected], 2, settings=settings, deliver=delivered)
    assert codes(statistics, delivered) == {name: code for name, code in expected.items() if code is not None}
    assert {name: len(rows[PAGES]) for name, rows in delivered.rows.items()} == {
        "text.pdf": 30,
        "scanned.pdf": 1,
        "3000.pdf": 3000,
    }
    assert delivered.rows["scanned.pdf"][PAGES][0][3] == "needs_ocr"


class Moody(BaseHTTPRequestHandler):
    """A store of objects that throttles the first request for each."""

    folder: ClassVar[Path]
    asked: ClassVar[Counter[str]]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        body = b"" if self.asked[self.path] == 1 else (self.folder / self.path.strip("/")).read_bytes()
        self.send_response(200 if body else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_documents_behind_urls_are_fetched_by_the_worker_processes_and_throttling_is_outlasted(folder: Path) -> None:
    names = [f"{number}.pdf" for number in range(5)]
    for name in names:
        text_pdf(folder / name, [name])
    Moody.folder, Moody.asked = folder, Counter()
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def locate(file_path: str, pin: ObjectPin | None = None, /) -> RemoteFile:
            url = f"http://127.0.0.1:{server.server_port}/{file_path}"
            return RemoteFile(url, '"x"', (folder / file_path).stat().st_size)

        delivered = Delivered(names)
        settings = PdfSettings(ocr="never")
        process_pdf_batch([document(name) for name in names], 2, settings=settings, locate=locate, deliver=delivered)
        server.shutdown()
    assert {name: rows[PAGES][0][2] for name, rows in delivered.rows.items()} == {name: name for name in names}
    assert set(Moody.asked.values()) == {2}


def test_a_manifest_is_read_as_a_stream_with_relative_paths_from_its_folder(folder: Path) -> None:
    names = [f"{number}.pdf" for number in range(7)]
    for name in names:
        text_pdf(folder / name, [name])
    manifest = write_lines(folder / "case.ndjson", [entry(name) for name in [*names, "none.pdf"]])
    delivered = Delivered([*names, "none.pdf"])
    statistics = process_document_manifest(str(manifest), 3, 2, deliver=delivered)
    assert set(delivered.rows) == set(names)
    assert codes(statistics, delivered) == {"none.pdf": "file.missing"}
    assert statistics.to_json()["succeeded"] == 7


def test_a_faulty_manifest_is_refused_before_anything_is_read(folder: Path) -> None:
    text_pdf(folder / "a.pdf", ["x"])
    manifest = write_lines(folder / "case.ndjson", [entry("a.pdf"), entry("a.pdf")])
    delivered = Delivered(["a.pdf"])
    with pytest.raises(SettingsError, match="line 2: document_uuid is that of line 1 too"):
        process_document_manifest(manifest, 3, 2, deliver=delivered)
    assert delivered.rows == {}


def test_a_document_that_is_named_twice_is_refused_with_both_places(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"documents\[2\]: document_uuid is that of documents\[0\] too"):
        process_pdf_batch([document(name) for name in ("a.pdf", "b.pdf", "a.pdf")], 1)


def test_a_run_that_is_told_to_stop_stops_though_a_document_hangs(folder: Path, hundred: list[str]) -> None:
    text_pdf(folder / "hang.pdf", ["x"])
    stop = threading.Event()
    settings = CrashingSettings(roots=(folder,), ocr="never", insert_batch=1)
    with pytest.raises(BatchStopped):
        process_pdf_batch(
            [document(name) for name in ["hang.pdf", *hundred]],
            2,
            settings=settings,
            deliver=lambda *_: stop.set(),
            stop=stop,
        )


def test_no_text_path_content_or_metadata_reaches_a_log(
    folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[Any]
) -> None:
    secret = "a-secret-of-the-applicant"
    text_pdf(folder / "a.pdf", [secret])
    (folder / "b.pdf").write_bytes(b"%PDF-1.7 " + secret.encode())
    (folder / "c.pdf").write_text(f"<html>{secret}")
    names = ["a.pdf", "b.pdf", "c.pdf"]
    settings = PdfSettings(roots=(folder,), fallback_extractor=True, max_reject_rate=1)
    with caplog.at_level(logging.DEBUG):
        statistics = process_pdf_batch(
            [document(name, metadata={"name": secret}) for name in names], 2, settings=settings
        )
    assert statistics.failed == 2
    seen = caplog.text + "".join(capfd.readouterr()) + repr(statistics.results)
    assert secret not in seen
