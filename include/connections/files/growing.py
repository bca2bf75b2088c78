"""A file whose name is known only at its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from include.engine.errors import HeadraceError


class GrowingFile:
    """Written by one thread, seen by nobody until it is kept.

    What the file system refuses raises as `refused` says.
    """

    def __init__(
        self, file: BinaryIO, name_it: Callable[[str], None], refused: Callable[[OSError], HeadraceError]
    ) -> None:
        """`name_it` gives the file, all of which is written, its name."""
        self._file = file
        self._name_it = name_it
        self._refused = refused
        self.size = 0
        """Bytes written."""

    def write(self, content: bytes) -> None:
        """Append."""
        try:
            self.size += self._file.write(content)
        except OSError as error:
            raise self._refused(error) from None

    def keep(self, name: str) -> None:
        """Whole, under its name. Nothing can be written to it any more."""
        try:
            self._file.flush()
            self._name_it(name)
        except OSError as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Safe to call twice, and with what could not be written."""
        with suppress(OSError):
            self._file.close()
