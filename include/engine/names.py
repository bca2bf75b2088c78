"""Counts by name, of which there may not be too many."""

from __future__ import annotations

from collections.abc import Mapping

MAX_NAMES = 50
"""Distinct codes or reasons that are counted by name; the rest is counted under `OTHER`."""
MAX_WARNINGS = 1000
"""As `MAX_NAMES`, of warnings: a contract of hundreds of columns gives each a few."""
OTHER = "other"


def add_names(left: Mapping[str, int], right: Mapping[str, int], at_most: int = MAX_NAMES) -> dict[str, int]:
    """Sum counts by name, holding at most `at_most` names beside `OTHER`."""
    total = dict(left)
    for name, count in right.items():
        known = name in total or len(total) - (OTHER in total) < at_most
        place = name if known else OTHER
        total[place] = total.get(place, 0) + count
    return total
