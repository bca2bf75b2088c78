"""Counts by name, of which there may not be too many."""

from __future__ import annotations

from collections.abc import Mapping

MAX_NAMES = 50
"""Distinct codes or reasons that are counted by name; the rest is counted under `OTHER`."""
OTHER = "other"


def add_names(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Sum counts by name, holding at most `MAX_NAMES` names beside `OTHER`."""
    total = dict(left)
    for name, count in right.items():
        known = name in total or len(total) - (OTHER in total) < MAX_NAMES
        place = name if known else OTHER
        total[place] = total.get(place, 0) + count
    return total
