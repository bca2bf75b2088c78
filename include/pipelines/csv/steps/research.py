"""Research: what a search finds about a row's company, condensed to notes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from include.connections.http.exchange import Answer
from include.engine.errors import RecordRejected
from include.pipelines.csv.calls.call import Calls, MalformedAnswer, PaidCall, Reading
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.domain import normalised
from include.pipelines.csv.steps.json_object import json_object
from include.pipelines.csv.steps.shared_hosts import is_shared

_KEPT = ("title", "snippet", "link")
"""Of each organic result."""


class ResearchSettings(BaseModel):
    """What is searched for, and how much of it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    service: str = "search"
    path: str = "/search"
    results: int = Field(default=5, ge=1, le=100)
    """Organic results that are asked for."""
    country: str = Field(default="", max_length=2)
    """`gl` of the search, such as `us`; empty: the service's own."""
    language: str = Field(default="", max_length=5)
    """`hl` of the search, such as `en`."""
    notes_chars: int = Field(default=1500, ge=100, le=20_000)
    """Length of the notes."""


class ResearchClient:
    """A step: `research_summary` of `company` and `domain`, by a search API that speaks as Serper does.

    Rows of one domain share one call, made with the company's name of the first of them; rows without a domain of
    their own (or with one of a mail provider, a social network, a hosting service) share by the company's name.
    """

    name = "research"
    outputs = ("research_summary",)

    def __init__(self, settings: ResearchSettings | None = None, *, fields: Collection[str]) -> None:
        """`fields` are the mapped ones: `company`, `domain`, or both."""
        self._settings = settings or ResearchSettings()
        self.needs = sorted({"company", "domain"} & set(fields)) or ["company"]

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> dict[str, str]:
        """Empty where the search finds nothing."""
        del row
        kept = calls.answer(self.call(given))
        return {"research_summary": notes(json.loads(kept), self._settings.notes_chars)}

    def call(self, given: Mapping[str, str]) -> PaidCall:
        """Raises `RecordRejected` (`csv.field_empty`) for a row that names no company."""
        told = self._settings
        company = " ".join(given.get("company", "").split())
        domain = normalised(given.get("domain", ""))
        if domain is not None and is_shared(domain):
            domain = None
        if not company and domain is None:
            raise RecordRejected("csv.field_empty", "the row has neither a company nor a domain of its own")
        question = " ".join(part for part in (company, domain) if part)
        regional = {name: value for name, value in (("gl", told.country), ("hl", told.language)) if value}
        return PaidCall(
            service=told.service,
            identity=(self.name, domain or f"company {company.casefold()}", str(told.results), json.dumps(regional)),
            path=told.path,
            body={"q": question, "num": told.results, **regional},
            read=self._read,
        )

    def _read(self, answer: Answer) -> Reading:
        organic = (json_object(answer.body) or {}).get("organic")
        if not isinstance(organic, list):
            raise MalformedAnswer(f"{self._settings.service}: the answer has no list of organic results")
        results = [result for result in organic if isinstance(result, dict)][: self._settings.results]
        kept = [{name: str(result[name]) for name in _KEPT if result.get(name)} for result in results]
        return Reading(json.dumps(kept, ensure_ascii=False))


def notes(results: list[dict[str, Any]], most_chars: int) -> str:
    """A line each, whole lines only (but for a first one that is too long), no snippet twice."""
    lines: list[str] = []
    seen: set[str] = set()
    left = most_chars
    for result in results:
        title, snippet = (" ".join(result.get(name, "").split()) for name in ("title", "snippet"))
        if snippet in seen or not (title or snippet):
            continue
        seen.add(snippet)
        link = f" ({result['link']})" if result.get("link") else ""
        line = f"- {': '.join(part for part in (title, snippet) if part)}{link}"
        if len(line) > left and lines:
            break
        lines.append(line[:left])
        left -= len(line) + 1
    return "\n".join(lines)
