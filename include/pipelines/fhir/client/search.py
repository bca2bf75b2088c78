"""What a search asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from include.engine.errors import SettingsError
from include.warehouse.window import Window

RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ELEMENT = re.compile(r"[a-z][A-Za-z0-9]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search of one resource type. Raises `SettingsError` for a name that cannot be one."""

    resource_type: str
    params: Sequence[tuple[str, str]] = ()
    """Search parameters and result parameters, in order; a name may come twice."""
    changed: Window | None = None
    """`_lastUpdated`, half-open, to the millisecond."""
    page_size: int | None = None
    """`_count`; None takes the settings'."""
    elements: Sequence[str] = ()
    """`_elements`: top-level elements to send; a server may send more. Empty is all."""

    def __post_init__(self) -> None:
        if not RESOURCE_TYPE.fullmatch(self.resource_type):
            raise SettingsError("the resource type of a search must be a name such as Patient")
        for position, pair in enumerate(self.params, 1):
            if not all(_is_text(part) for part in pair):
                raise SettingsError(f"parameter {position} of a search of {self.resource_type} is no pair of texts")
        if wrong := [number for number, name in enumerate(self.elements, 1) if not _ELEMENT.fullmatch(name)]:
            raise SettingsError(f"element {wrong[0]} of a search of {self.resource_type} is no top-level element")

    def path(self, page_size: int | None, *extra: tuple[str, str]) -> str:
        """Relative to the service's base."""
        query = [*self.params]
        if self.changed is not None:
            query += [
                ("_lastUpdated", f"ge{instant(self.changed.start)}"),
                ("_lastUpdated", f"lt{instant(self.changed.end)}"),
            ]
        if self.elements:
            query.append(("_elements", ",".join(self.elements)))
        size = self.page_size or page_size
        if size is not None and not extra:
            query.append(("_count", str(size)))
        text = urlencode([*query, *extra], quote_via=quote)
        return f"{self.resource_type}?{text}" if text else self.resource_type


def instant(moment: datetime) -> str:
    """FHIR's form, UTC; a naive moment counts as UTC. Cut to milliseconds, as the bound of the next window is too."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_text(part: object) -> bool:
    """A lone surrogate cannot be sent, and the error about it would hold the value."""
    return isinstance(part, str) and not any("\ud800" <= letter <= "\udfff" for letter in part)
