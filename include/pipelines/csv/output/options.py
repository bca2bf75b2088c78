"""What somebody wants of a file that goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ERROR_COLUMN = "error"
"""The last one."""

OutputKind = Literal["csv", "xlsx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """The defaults are the input's ways."""

    kind: OutputKind | None = None
    encoding: str | None = None
    """Of CSV; `utf-8-sig` is UTF-8 with a byte order mark. Texts that it cannot hold make the file UTF-8."""
    delimiter: str | None = None
    """Of CSV."""
    columns: Sequence[str] | None = None
    """Names of the original columns that are kept; None keeps all. Their order is the file's."""
    neutralise_original: bool = False
    """Original cells that a spreadsheet would run as a formula are kept from that."""
    neutralise_generated: bool = True
    """As above: a model's answer, or what a web page had it say, must not run on somebody's machine."""
