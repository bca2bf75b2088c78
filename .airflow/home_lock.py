"""One user of the local state at a time: a scheduler would take up the tasks of a run that `make demo` works itself."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HomeInUse(Exception):
    """Another process holds the state."""


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Raise `HomeInUse` at once when `make up` or `make demo` runs there; the system frees it when the process ends."""
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HomeInUse(f"{home} is in use by another make up or make demo: end that first") from None
        yield
