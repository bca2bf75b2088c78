from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from include.pipelines.pdf.extract.page import Picture
from include.pipelines.pdf.ocr.tesseract import OcrFailed, Tesseract, find_tesseract
from tests.include.pipelines.pdf.entries import needs_tesseract

PICTURE = Picture(2, 2, b"\xff" * 4, 200)
Program = Callable[[str], Path]


def found() -> Tesseract:
    tesseract = find_tesseract()
    assert tesseract is not None
    return tesseract


def test_the_program_on_the_path_tells_version_and_languages(program: Program) -> None:
    script = program("true")
    assert found() == Tesseract(str(script), "tesseract 9.9", frozenset({"eng", "deu"}))
    assert found().knows("eng+deu")
    assert not found().knows("eng+fra")


def test_without_a_program_that_works_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tesseract() is None
    script = tmp_path / "tesseract"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    assert find_tesseract() is None


def test_it_is_given_the_picture_the_language_the_resolution_and_one_thread(program: Program, tmp_path: Path) -> None:
    program(f'cat > {tmp_path}/picture; echo "$* $OMP_THREAD_LIMIT"')
    assert found().read(PICTURE, "deu", 5) == "stdin stdout -l deu --dpi 200 1\n"
    assert (tmp_path / "picture").read_bytes() == b"P5 2 2 255\n\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("on_page", "cause"),
    [("exit 3", "exit code 3"), ("kill -ABRT $$", "exit code -6"), ("exec sleep 60", "no answer within 0 s")],
)
def test_a_program_that_fails_hangs_or_crashes_gives_no_text(program: Program, on_page: str, cause: str) -> None:
    program(on_page)
    with pytest.raises(OcrFailed, match=cause):
        found().read(PICTURE, "eng", 0.3)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_ends_with_the_process_that_started_it(program: Program, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    os.mkfifo(marks)
    program(f"echo $$ > {marks}; exec sleep 60")
    code = (
        "from include.pipelines.pdf.extract.page import Picture\n"
        "from include.pipelines.pdf.ocr.tesseract import find_tesseract\n"
        "find_tesseract().read(Picture(1, 1, b'x', 200), 'eng', 60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        child = psutil.Process(int(marks.read_text()))
        parent.kill()
    assert child.wait(5) is None or not child.is_running()


def test_the_form_feed_that_older_versions_put_after_a_page_is_no_character_of_it(program: Program) -> None:
    program('printf "Hello\\n\\f"')
    assert found().read(PICTURE, "eng", 5) == "Hello\n"


@needs_tesseract
def test_a_blank_picture_has_no_text() -> None:
    assert not found().read(Picture(400, 400, b"\xff" * 160_000, 200), "eng", 60).strip()
