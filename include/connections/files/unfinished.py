"""Files that have their name only once they are whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".unfinished-"
"""What the names of such files begin with."""


@contextmanager
def unfinished(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in this folder and its path, from where it is renamed; what is not renamed goes with the context.

    Only this user may read it. Raises `OSError`.
    """
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
    finally:
        with suppress(OSError):
            path.unlink()
