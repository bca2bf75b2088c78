"""Pages a second of bare pypdfium2 in two processes, and of the whole pipeline with two worker processes.

`python -m tests.benchmarks.pdf_pages`, from the project root. The documents are generated, pages of 45 lines of digital
text, 3,100 characters; `--files` takes copies of files instead, those that PDFium refuses counted by neither side. Both
sides read the same files, one after the other within a repetition; the pipeline's clock runs from the call of
`load_batch` to its return, start and end of its worker processes included, the bare one's from the moment when both
processes have imported pypdfium2. Nothing is read by OCR. On a machine that others use too, the ratio of CPU a page
says more than that of the rates.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pypdfium2

from include.pipelines.pdf.pipeline import PdfPipeline
from include.pipelines.pdf.settings import PdfSettings
from include.warehouse.attempt import Attempt
from include.warehouse.connection import sqlite_warehouse
from include.warehouse.load import load_batch
from tests.benchmarks.figures import machine, median, ratio, table
from tests.fixtures.pdf_files import text_pdf

PROCESSES = 2
LINES = 45
SENTENCE = "the water of a river that turns a mill is led there by a channel and flows back below it"


def template(folder: Path, pages: int) -> bytes:
    """A document of generated text."""
    draw = random.Random(6)
    words = SENTENCE.split()
    lines = [[" ".join(draw.choice(words) for _ in range(14)) for _ in range(LINES)] for _ in range(pages)]
    path = text_pdf(folder / "template", lines)
    try:
        return path.read_bytes()
    finally:
        path.unlink()


def write_documents(folder: Path, documents: int, contents: Sequence[bytes]) -> None:
    """As many files of these contents in turn, and their manifest."""
    with (folder / "manifest.ndjson").open("w") as manifest:
        for number in range(documents):
            # A comment after the end makes each file another one.
            (folder / f"{number}.pdf").write_bytes(contents[number % len(contents)] + b"\n%% %d\n" % number)
            entry = {"document_uuid": str(uuid.UUID(int=number + 1)), "project_uuid": str(uuid.UUID(int=9))}
            manifest.write(json.dumps(entry | {"file_path": f"{number}.pdf", "metadata": {"number": number}}) + "\n")


def bare(folder: Path, share: int) -> int:
    """Every `PROCESSES`th document, its text dropped."""
    pages = 0
    for number, path in enumerate(sorted(folder.glob("*.pdf"))):
        if number % PROCESSES != share:
            continue
        with suppress(pypdfium2.PdfiumError), pypdfium2.PdfDocument(path) as document:
            for page in document:
                layer = page.get_textpage()
                layer.get_text_range()
                layer.close()
                page.close()
                pages += 1
    return pages


def whole(folder: Path, workers: int) -> int:
    settings = PdfSettings(roots=(folder,), work_folder=folder, workers=workers, ocr="never")
    warehouse = sqlite_warehouse(Path(tempfile.mkdtemp(dir=folder)) / "warehouse.db")
    pipeline = PdfPipeline(settings, warehouse)
    (batch,) = pipeline.plan(1_000_000)
    attempt = Attempt(pipeline.name, pipeline.target.name, "benchmark", "run", "load", 0, "task", 0)
    line = load_batch(pipeline, batch, attempt, warehouse, settings.engine(), stop=threading.Event())
    return int(line["rows_written"]) - int(line["records_written"])


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all processes together."""

    pages_s: float
    cpu_ms: float
    """A page."""
    child_bytes: int
    """Memory of the largest worker process."""


def measured(part: str, folder: Path) -> Figures:
    count = PROCESSES if part == "bare" else 1
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.pdf_pages", "--part", part, "--share", str(share), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate()[0]) for process in processes]
    seconds = max(answer["ended"] for answer in answers) - min(answer["began"] for answer in answers)
    pages = sum(answer["pages"] for answer in answers)
    cpu_s = sum(answer["cpu_s"] for answer in answers)
    return Figures(pages / seconds, cpu_s / pages * 1000, max(answer["child_bytes"] for answer in answers))


def work(part: str, folder: Path, share: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    memory = ChildMemory()
    memory.start()
    began, cpu_s = time.perf_counter(), cpu()
    pages = bare(folder, share) if part == "bare" else whole(folder, PROCESSES)
    ended = time.perf_counter()
    answer = {"pages": pages, "began": began, "ended": ended, "cpu_s": cpu() - cpu_s, "child_bytes": memory.peak}
    print(json.dumps(answer))


class ChildMemory(threading.Thread):
    """Of worker processes, now and then: the system's own peak begins with what their parent had at the fork."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        me = psutil.Process()
        while True:
            for child in me.children():
                with suppress(psutil.Error):
                    if "include.engine.worker_process" in child.cmdline():
                        self.peak = max(self.peak, child.memory_info().rss)
            time.sleep(0.2)


def cpu() -> float:
    """Seconds of this process and of its worker processes that have ended, as they have after a batch."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=120)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--files", type=Path, nargs="+", help="copies of these instead of generated ones")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--part", choices=("bare", "whole"))
    parser.add_argument("--share", type=int, default=0)
    parser.add_argument("folder", nargs="?", type=Path)
    given = parser.parse_args()
    if given.part:
        work(given.part, given.folder, given.share)
        return
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        contents = [path.read_bytes() for path in given.files or ()] or [template(folder, given.pages)]
        write_documents(folder, given.documents, contents)
        pairs = [(measured("bare", folder), measured("whole", folder)) for _ in range(given.repetitions)]
    bares, wholes = zip(*pairs, strict=True)
    row = [
        f"{given.documents} x {f'{len(given.files)} files' if given.files else given.pages}",
        f"{median(one.pages_s for one in bares):.0f}",
        f"{median(one.pages_s for one in wholes):.0f}",
        f"{ratio([one.pages_s for one in wholes], [one.pages_s for one in bares]):.2f}",
        f"{median(one.cpu_ms for one in bares):.2f}",
        f"{median(one.cpu_ms for one in wholes):.2f}",
        f"{ratio([one.cpu_ms for one in bares], [one.cpu_ms for one in wholes]):.2f}",
        f"{max(one.child_bytes for one in wholes) / 2**20:.0f}",
    ]
    head = [
        "documents x pages",
        "bare/s",
        "pipeline/s",
        "ratio",
        "bare ms CPU",
        "pipeline ms CPU",
        "ratio",
        "worker, MiB",
    ]
    print(table(head, [row]))


if __name__ == "__main__":
    main()
