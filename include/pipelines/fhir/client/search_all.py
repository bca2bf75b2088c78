"""All that a search finds: every resource once, counted against what the server says."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator

from include.engine.errors import TransientError
from include.pipelines.fhir.client.bundle import Page, SearchEntry
from include.pipelines.fhir.client.json_text import Resource, write_object
from include.pipelines.fhir.client.outcome import codes_text
from include.pipelines.fhir.client.pages import count, pages
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)


def search_entries(session: Session, search: Search, *, counted: bool = False) -> Iterator[SearchEntry]:
    """Matches and includes, lazily, without those that came before with the same id and version.

    With `counted`, a count takes the place of the total that a first page does not have: else nobody would find out
    that a server has lost a link on the way.

    Memory: one page, and two `SeenKeys` (10 MB each, then temporary files). Consumed by one thread at a time.
    """
    tally = _Tally(search, strict=session.settings.on_shortfall == "fail")
    try:
        for page in pages(session, search):
            tally.note(page)
            if counted and tally.total is None:
                # Of now, as the first page is: at the end it would have what others added behind the reader.
                tally.total = count(session, search)
            counted = False
            yield from filter(tally.is_new, page.entries)
        tally.end()
    finally:
        tally.close()


class _Tally:
    """What came, by id and by version."""

    def __init__(self, search: Search, *, strict: bool) -> None:
        self._name = f"search of {search.resource_type}"
        self._strict = strict
        self._versions = SeenKeys()
        self._ids = SeenKeys()
        self._counts: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self.total: int | None = None
        """Matches that the server speaks of."""

    def note(self, page: Page) -> None:
        """Count a page; what the server says about the search is logged when it says it first."""
        self._counts["pages"] += 1
        if fresh := Counter({code: n for code, n in page.outcomes.items() if code not in self._outcomes}):
            log.warning("%s: the server says %s", self._name, codes_text(fresh))
        self._outcomes.update(page.outcomes)
        if page.odd_entries:
            log.warning("%s: %d entries of a page have no resource", self._name, page.odd_entries)
        if page.total is not None:
            # Paging while others write can lose matches when the total falls, so the highest one counts.
            self.total = max(page.total, self.total or 0)

    def is_new(self, entry: SearchEntry) -> bool:
        kind, identity = str(entry.resource.get("resourceType")), entry.resource.get("id")
        if not isinstance(identity, str):
            self._counts[entry.mode] += 1  # it has no key: who takes it rejects it
            return True
        if not self._versions.add(entry.mode, kind, identity, _version(entry.resource)):
            self._counts["duplicates"] += 1
            return False
        if self._ids.add(entry.mode, kind, identity):
            self._counts[entry.mode] += 1
        return True

    def end(self) -> None:
        """Compare with the server's total; raises `TransientError` when matches are missing."""
        counts, matches = self._counts, self._counts["match"]
        log.info(
            "%s: %d matches, %d includes, %d pages, %d duplicates dropped",
            *(self._name, matches, counts["include"], counts["pages"], counts["duplicates"]),
        )
        if self.total is None or matches >= self.total:
            return
        message = f"{self._name}: {matches} of the {self.total} matches that the server counts arrived"
        if self._strict:
            raise TransientError(
                f"{message}: others changed them meanwhile, or its totals are estimates (then on_shortfall is warn)"
            )
        log.warning("%s", message)

    def close(self) -> None:
        self._versions.close()
        self._ids.close()


def _version(resource: Resource) -> str:
    """The version's id, else its moment, else a digest of the content: only the very same text is a duplicate then."""
    meta = resource.get("meta")
    words = meta if isinstance(meta, dict) else {}
    for name in ("versionId", "lastUpdated"):
        if isinstance(value := words.get(name), str):
            return f"{name}={value}"
    return hashlib.blake2b(write_object(resource).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
