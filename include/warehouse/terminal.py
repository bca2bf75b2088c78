"""How a command of a pipeline meets the terminal, or the pipe, that it prints to."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn


def run_command(main: Callable[[], int], *, cut_short: int) -> NoReturn:
    """Run it and exit with its code, or with `cut_short` where the reader of its output went before the end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or pipe that takes ASCII only still gets the report.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough; the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = cut_short
    sys.exit(code)
