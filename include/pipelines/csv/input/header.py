"""The names of a table's columns."""

from __future__ import annotations

from collections.abc import Sequence

from include.engine.errors import SettingsError

MAX_COLUMNS = 16_384
"""Of a worksheet, as Excel has them."""
MAX_NAME = 60
"""Characters of a name that an error shows."""


def checked_header(cells: Sequence[str]) -> tuple[str, ...]:
    """The names without spaces around them; raises one `SettingsError` that lists every fault.

    No name is shown: the first row of a file that has no header is somebody's data.
    """
    names = tuple(cell.strip() for cell in cells)
    places: dict[str, int] = {}
    faults: list[str] = []
    if not any(names):
        raise SettingsError("header: the file has none: its first row must name the columns")
    if len(names) > MAX_COLUMNS:
        raise SettingsError(f"header: {len(names)} columns, {MAX_COLUMNS} are allowed")
    for place, name in enumerate(names, 1):
        if not name:
            faults.append(f"column {place} has no name")
        elif name in places:
            faults.append(f"columns {places[name]} and {place} have the same name")
        else:
            places[name] = place
    if faults:
        raise SettingsError(f"header: {'; '.join(faults)}: the first row must give every column a name of its own")
    return names


def shown(name: str) -> str:
    """A column's name as errors show it."""
    return repr(name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…")
