"""Tesseract by its command line: a program may crash or swell without taking the worker process along."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from include.pipelines.pdf.extract.page import Picture

LOOK_UP_S = 20.0
_PR_SET_PDEATHSIG = 1


class OcrFailed(Exception):
    """Tesseract gave no text for a page; the message says how it ended, and nothing of the page."""


@dataclass(frozen=True, slots=True)
class Tesseract:
    """An installed Tesseract."""

    program: str
    version: str
    languages: frozenset[str]

    def knows(self, language: str) -> bool:
        """Whether the data of each of the languages (`deu+fra`) is installed."""
        return self.languages.issuperset(language.split("+"))

    def read(self, picture: Picture, language: str, timeout_s: float) -> str:
        """The text of a page; raises `OcrFailed`."""
        command = [self.program, "stdin", "stdout", "-l", language, "--dpi", str(picture.dpi)]
        grey_map = b"P5 %d %d 255\n" % (picture.width, picture.height) + picture.grey
        try:
            done = subprocess.run(  # noqa: S603 - the languages were looked up
                command,
                input=grey_map,
                capture_output=True,
                timeout=timeout_s,
                env=_environment(),
                preexec_fn=_with_parent(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OcrFailed(f"no answer within {timeout_s:.0f} s") from None
        except OSError as error:
            raise OcrFailed(f"it does not start: {type(error).__name__}") from None
        if done.returncode:
            raise OcrFailed(f"it ended with exit code {done.returncode}")
        # Before version 5 a form feed follows every page; in a text file it parts the pages.
        return done.stdout.decode("utf-8", "replace").removesuffix("\f")


def find_tesseract() -> Tesseract | None:
    """The one on the PATH; None where there is none that works."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        version = _ask(program, "--version").split("\n", 1)[0].strip()
        # The first line names the folder.
        languages = _ask(program, "--list-langs").split("\n")[1:]
    except (OSError, subprocess.SubprocessError):
        return None
    return Tesseract(program, version, frozenset(name.strip() for name in languages if name.strip()))


def _ask(program: str, question: str) -> str:
    done = subprocess.run(  # noqa: S603 - a fixed question
        [program, question], capture_output=True, text=True, timeout=LOOK_UP_S, check=True
    )
    return done.stdout


def _environment() -> dict[str, str]:
    # Several threads a page are slower than several pages: measured by Tesseract's own users.
    return {**os.environ, "OMP_THREAD_LIMIT": "1"}


def _with_parent() -> Callable[[], None] | None:
    """What lets the child end with this process, however that ends; None where the system has no such thing."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def hold_on() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before it could be held on to
            os._exit(1)

    return hold_on
