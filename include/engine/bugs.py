"""Turning an unexpected exception into a reject that leaks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import TracebackType

from include.engine.errors import RecordRejected

PREFIX = "bug."


def is_bug(code: str) -> bool:
    """Whether a reject's code says that an unexpected exception rejected it."""
    return code.startswith(PREFIX)


def bugs_among(rejected_by_code: Mapping[str, int]) -> int:
    """How many rejects are bugs."""
    return sum(count for code, count in rejected_by_code.items() if is_bug(code))


def rejection_of(error: BaseException) -> RecordRejected:
    """The reject of a record whose transform raised `error`: its class and place.

    Never its text: that may quote the record (`invalid literal for int(): '…'`).
    """
    name = type(error).__name__
    return RecordRejected(f"{PREFIX}{name}", f"unexpected {name} at {_place(error.__traceback__)}")


def _place(traceback: TracebackType | None) -> str:
    if traceback is None:
        return "an unknown place"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    path = PurePath(traceback.tb_frame.f_code.co_filename)
    return f"{'/'.join(path.parts[-3:])}:{traceback.tb_lineno}"
