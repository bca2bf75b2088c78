"""Views without a warehouse: rows in memory, for somebody who waits for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from cachetools import TTLCache

from include.engine.bugs import rejection_of
from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.fhir.ahead import ahead
from include.pipelines.fhir.client.bundle import SearchEntry
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.json_text import Resource
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.resources import HOUSE_COLUMNS, key_from

log = logging.getLogger(__name__)

PAGE = 100
"""Resources that one answer of the server has at most."""

Params = Sequence[tuple[str, str]]
"""Search parameters."""

_CacheKey = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ViewResult:
    """Immutable: callers share what the cache holds."""

    columns: tuple[str, ...]
    """Names, in the order of the rows: the resource's key and version, then the view's own."""
    rows: tuple[tuple[Any, ...], ...]
    resources: int
    """That were read, rejected ones included."""
    rejected: tuple[tuple[str, str], ...]
    """Key and code of each resource that the view could not turn into rows."""
    from_cache: bool = False


@dataclass(frozen=True, slots=True)
class RunnerStatistics:
    """Since the runner was made."""

    executions: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    resources: int = 0
    rejected: int = 0
    seconds: float = 0.0
    """Spent in executions that the cache could not answer."""

    @property
    def cache_hit_rate(self) -> float:
        """Share of the executions that asked the cache; 0 before the first."""
        asked = self.cache_hits + self.cache_misses
        return self.cache_hits / asked if asked else 0.0


class InMemoryRunner:
    """The rows that a warehouse would get, asked for once in a while by many. Thread-safe.

    A cached result is as old as `cache_ttl_seconds` at most; the cache holds `cache_max_rows` rows of all results
    together, the least recently used ones going first, and a larger result is not kept. Its keys are the server, what
    the view says, and the parameters.

    With `parallel_processing` the server is asked in a thread, at most `max_parallel_resources` resources ahead of the
    views. These run in the caller's thread: they are Python, so that further threads would make them slower.
    """

    def __init__(
        self,
        client: FHIRClient,
        enable_cache: bool = True,
        cache_ttl_seconds: float = 300,
        parallel_processing: bool = True,
        max_parallel_resources: int = 10,
        *,
        cache_max_rows: int = 100_000,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `SettingsError` for a bound below 1, or a time that is none."""
        if min(max_parallel_resources, cache_max_rows) < 1 or not cache_ttl_seconds > 0:
            raise SettingsError(
                "max_parallel_resources and cache_max_rows must be at least 1, cache_ttl_seconds above 0"
            )
        self._client = client
        self._ahead = max_parallel_resources if parallel_processing else 0
        self._lock = threading.Lock()
        self._cache: TTLCache[_CacheKey, ViewResult] | None = None
        if enable_cache:
            self._cache = TTLCache(cache_max_rows, cache_ttl_seconds, timer=timer, getsizeof=_size)
        self._statistics = RunnerStatistics()

    @property
    def statistics(self) -> RunnerStatistics:
        """At this moment."""
        return self._statistics

    def execute(self, view: CompiledView, max_resources: int | None = None, params: Params = ()) -> ViewResult:
        """The rows of all resources that the server has of the view's type, or of the first `max_resources`.

        `params` narrow the search (`[("gender", "female")]`). A resource that the view cannot turn into rows is logged
        by its id and left out. Raises as `FHIRClient.search_all` does, `SettingsError` for a negative `max_resources`.
        """
        if max_resources is not None and max_resources < 0:
            raise SettingsError("max_resources must be 0 or more, or None for all")
        asked = tuple((name, value) for name, value in params)
        key = (self._client.base_url, view.fingerprint, view.conversions, asked, max_resources)
        with self._lock:
            cached = None if self._cache is None else self._cache.get(key)
            if cached is not None:
                self._count(executions=1, cache_hits=1)
                return cached
        started = time.perf_counter()
        result = self._run(view, max_resources, params)
        seconds = time.perf_counter() - started
        with self._lock:
            if self._cache is not None:
                with suppress(ValueError):  # more rows than the cache holds
                    self._cache[key] = replace(result, from_cache=True)
            self._count(
                executions=1,
                cache_misses=int(self._cache is not None),
                resources=result.resources,
                rejected=len(result.rejected),
                seconds=seconds,
            )
        return result

    def clear_cache(self) -> None:
        """The next executions ask the server."""
        with self._lock:
            if self._cache is not None:
                self._cache.clear()

    def _count(self, **more: float) -> None:
        now = self._statistics
        self._statistics = replace(now, **{name: getattr(now, name) + value for name, value in more.items()})

    def _run(self, view: CompiledView, max_resources: int | None, params: Params) -> ViewResult:
        rows: list[tuple[Any, ...]] = []
        rejected: list[tuple[str, str]] = []
        resources = 0
        for resource in self._resources(view.resource, max_resources, params):
            resources += 1
            try:
                rows += view.rows(resource)
            except Exception as error:  # noqa: BLE001 - isolation: what a resource raises concerns it alone
                rejection = error if isinstance(error, RecordRejected) else rejection_of(error)
                rejected.append((_name(resource), rejection.code))
                log.warning("view %s: %s is left out: %s", view.name, _name(resource), rejection)
        columns = (*HOUSE_COLUMNS, *(column.name for column in view.columns))
        return ViewResult(columns, tuple(rows), resources, tuple(rejected))

    def _resources(self, resource_type: str, limit: int | None, params: Params) -> Iterator[Resource]:
        if limit == 0:
            return
        page_size = PAGE if limit is None else min(PAGE, limit)
        search = Search(resource_type=resource_type, params=tuple(params), page_size=page_size)

        def matches() -> Iterator[Resource]:
            with closing(_closable(self._client.search_all(search))) as entries:
                # Ends at the limit by itself: the page behind it is never asked for.
                yield from islice((entry.resource for entry in entries if entry.mode == "match"), limit)

        if not self._ahead or limit == 1:
            yield from matches()
            return
        with ahead(matches, self._ahead) as resources:
            yield from resources


def _closable(entries: Iterator[SearchEntry]) -> Generator[SearchEntry, None, None]:
    """The client's iterator holds temporary files until it is closed."""
    yield from entries


def _size(result: ViewResult) -> int:
    """In rows; an empty result takes a place, too."""
    return len(result.rows) + 1


def _name(resource: Resource) -> str:
    return key_from(resource.get("resourceType"), resource.get("id")) or "a resource without an id"
