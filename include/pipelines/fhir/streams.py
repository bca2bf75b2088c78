"""What a run searches: all resources of a type, or those that a filter of it chooses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.search import RESOURCE_TYPE, Search

MAX_FILTER = 300
"""Characters: a filter stands in every batch of its stream."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One search, without its bounds in time."""

    name: str
    """`Patient`, or the whole filter `Observation?status=final`: names the stream in batches."""
    resource_type: str
    params: tuple[tuple[str, str], ...] = ()

    def search(
        self,
        lower: str | None = None,
        upper: str | None = None,
        *,
        elements: Sequence[str] = (),
        page_size: int | None = None,
    ) -> Search:
        """`_lastUpdated` in `[lower, upper)`, FHIR instants; without bounds also what has no `lastUpdated`."""
        bounds = [("_lastUpdated", f"ge{lower}")] if lower is not None else []
        bounds += [("_lastUpdated", f"lt{upper}")] if upper is not None else []
        return Search(
            resource_type=self.resource_type,
            params=(*self.params, *bounds),
            elements=tuple(elements),
            page_size=page_size,
        )


def stream_of(text: str) -> Stream:
    """From a type or a filter; raises `SettingsError`."""
    resource_type, _, query = text.partition("?")
    params: tuple[tuple[str, str], ...] | None
    try:
        params = tuple(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        params = None
    if params is None or not RESOURCE_TYPE.fullmatch(resource_type) or len(text) > MAX_FILTER:
        raise SettingsError(
            f"type_filters: give texts such as Observation?status=final, of at most {MAX_FILTER} characters"
        )
    return Stream(text, resource_type, params)


def streams_of(types: Iterable[str], filters: Sequence[str]) -> list[Stream]:
    """Of each type its filters, which add up, or else all of it; in order of type, then as the filters are given."""
    chosen = [stream_of(text) for text in dict.fromkeys(filters)]
    return [
        stream
        for resource_type in sorted(types)
        for stream in [found for found in chosen if found.resource_type == resource_type]
        or [Stream(resource_type, resource_type)]
    ]
