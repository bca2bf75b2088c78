"""Where the demo speaks: to the person at the terminal, or to its log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(os.environ["HEADRACE_HOME"])
LOG = HOME / "demo.log"


def say(text: str = "") -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def output_to_log() -> Iterator[None]:
    """Sends what any library prints to the log: hence the descriptors, not `sys.stdout`."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with LOG.open("ab") as log:
        try:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in enumerate(kept, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)
