"""What a run reads: which types, changed since when, and which are built from what was kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.engine.errors import SettingsError
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.settings import FhirViewSettings
from include.pipelines.fhir.watermark import Watermark
from include.warehouse.window import Window


@dataclass(frozen=True, slots=True)
class Reading:
    """Of one run."""

    since: Mapping[str, datetime | None]
    """Types that are asked for at the server, and from which change on; None is from the first."""
    until: datetime | None = None
    """Where the changes end; None: they do not."""
    rebuilt: frozenset[str] = frozenset()
    """Types whose rows are built from what was kept."""
    is_part: bool = False
    """The run leaves something out that the next one would not read: its watermark must not move."""

    @property
    def is_everything(self) -> bool:
        """Whether all resources of all types are asked for."""
        return not self.is_part and not any(self.since.values())

    def by_start(self) -> list[tuple[datetime | None, tuple[str, ...]]]:
        """Types that begin at the same change, together; those that begin at the first come first."""
        starts = sorted({*self.since.values()}, key=lambda start: (start is not None, start))
        return [(start, tuple(name for name, own in self.since.items() if own == start)) for start in starts]

    def __str__(self) -> str:
        parts = [
            f"{', '.join(names)} {'from the first' if start is None else f'changed from {version_at(start)}'}"
            for start, names in self.by_start()
        ]
        parts += [f"{', '.join(sorted(self.rebuilt))} from what was kept"] if self.rebuilt else []
        until = f", until before {version_at(self.until)}" if self.until is not None else ""
        return "; ".join(parts) + until


def reading_of(
    settings: FhirViewSettings,
    window: Window | None,
    watermark: Watermark | None,
    marks: Mapping[str, str],
    kept_whole: Callable[[], Set[str]],
) -> Reading:
    """`marks` has a digest of each type that the views read; `kept_whole` gives the types that can be rebuilt.

    A type that was not kept from its first load on is read from the server instead. Raises `SettingsError` for a type
    that no view reads.
    """
    types = _types(settings, marks)
    listed = settings.reads_listed_keys
    if settings.read_from == "kept":
        return Reading({}, rebuilt=frozenset(types), is_part=True)
    if window is not None:
        return Reading(dict.fromkeys(types, window.start), window.end, is_part=True)
    is_part = listed or settings.chosen_types is not None
    if settings.force or watermark is None:
        return Reading(dict.fromkeys(types), is_part=is_part)
    start = watermark.moment - timedelta(seconds=settings.overlap_s)
    changed = {name for name in types if marks[name] not in watermark.marks}
    rebuilt = changed & kept_whole() if changed and settings.when_views_change == "rebuild" else set()
    reloaded = changed - rebuilt if settings.when_views_change != "keep" else set()
    since = {name: None if name in reloaded else start for name in types}
    return Reading(since, rebuilt=frozenset(rebuilt), is_part=is_part)


def _types(settings: FhirViewSettings, known: Mapping[str, str]) -> list[str]:
    chosen = settings.chosen_types
    if chosen is None:
        return sorted(known)
    if foreign := sorted(chosen - set(known)):
        raise SettingsError(f"resource_types: no view reads {', '.join(foreign)}; there are {', '.join(sorted(known))}")
    return sorted(chosen)
