"""A page of a search: a searchset Bundle taken apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.connections.http.retry_after import http_date
from include.engine.errors import FatalError, TransientError
from include.pipelines.fhir.client.exchange import FhirAnswer
from include.pipelines.fhir.client.json_text import Resource, read_object
from include.pipelines.fhir.client.outcome import codes_text, outcome_codes

Mode = Literal["match", "include"]


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """One resource that a search found, or brought along for one that it found."""

    mode: Mode
    resource: Resource


@dataclass(frozen=True, slots=True)
class Page:
    """One Bundle of a search."""

    entries: list[SearchEntry]
    """In the server's order."""
    outcomes: Counter[str]
    """What the server says about the search: `severity/code`, counted."""
    total: int | None
    """Matches of the whole search, where the server counts them."""
    next_link: str | None
    """As it stands: opaque."""
    server_time: datetime | None
    """Of the answer, by the server's clock, UTC."""
    odd_entries: int
    """Entries without a resource."""


def page_of(answer: FhirAnswer, resource_type: str) -> Page:
    """Raises `FatalError` for what is no searchset, `TransientError` for a body that was cut."""
    bundle = body_object(answer)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("searchset", None):
        codes = codes_text(outcome_codes(bundle))
        raise FatalError(f"{answer.label}: no searchset Bundle came" + (f" but {codes}" if codes else ""))
    listed = bundle.get("entry") or []
    entries: list[SearchEntry] = []
    outcomes: Counter[str] = Counter()
    odd_entries = 0
    for entry in listed if isinstance(listed, list) else [None]:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            odd_entries += 1
        elif (mode := _mode(entry, resource, resource_type)) is None:
            outcomes.update(outcome_codes(resource))
        else:
            entries.append(SearchEntry(mode, resource))
    server_time = http_date(answer.headers.get("date", ""))
    return Page(entries, outcomes, _total(bundle), _next_link(bundle), server_time, odd_entries)


def body_object(answer: FhirAnswer) -> Resource:
    """The JSON object of an answer; raises as `page_of` does."""
    found = read_object(answer.body)
    if found is not None:
        return found
    if not answer.is_json:
        raise FatalError(f"{answer.label}: {answer.status}, and no JSON came: is the base URL that of a FHIR service?")
    raise TransientError(f"{answer.label}: the answer of {len(answer.body):,} bytes is no JSON object")


def _mode(entry: object, resource: Resource, resource_type: str) -> Mode | None:
    """`search.mode` decides; a server may leave it out (R4), then the type does. None is an outcome."""
    search = entry.get("search") if isinstance(entry, dict) else None
    match search.get("mode") if isinstance(search, dict) else None:
        case "match":
            return "match"
        case "include":
            return "include"
        case "outcome":
            return None
    found = resource.get("resourceType")
    if found == resource_type:
        return "match"
    return None if found == "OperationOutcome" else "include"


def _total(bundle: Resource) -> int | None:
    total = bundle.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def _next_link(bundle: Resource) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None
