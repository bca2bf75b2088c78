"""The pages of a search, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2

from include.connections.http.exchange import Request
from include.engine.errors import FatalError, TransientError
from include.pipelines.fhir.client.addresses import bundle_link
from include.pipelines.fhir.client.bundle import Page, body_object, page_of
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.client.session import Session

MAX_IDLE_PAGES = 1_000
"""Empty pages one after the other: more are a server that never ends."""


class RepeatedLink(TransientError):
    """A page leads to a page that was read already: a stale answer of a cache may pass, a server's mistake stays."""


def first_request(session: Session, search: Search) -> Request:
    """Of a search."""
    settings = session.settings
    return session.get(search.path(settings.page_size), prefer=f"handling={settings.handling}")


def first_page(session: Session, search: Search) -> Page:
    """Of a search; raises `FatalError` where the server refuses it."""
    request = first_request(session, search)
    return session.tried(lambda: _page(session, request, search, linked=False))


def count(session: Session, search: Search) -> int | None:
    """See `FHIRClient.count`."""
    request = session.get(search.path(None, ("_summary", "count")), prefer="handling=strict")

    def attempt() -> int | None:
        answer = session.once(request)
        total = body_object(answer).get("total") if answer.status == 200 else None
        return total if isinstance(total, int) else None

    return session.tried(attempt)


def pages(session: Session, search: Search) -> Iterator[Page]:
    """Every page, following `next` as it stands. Fetches a page when it is asked for it, and holds no other.

    Raises `FatalError` for a link that comes twice (after the tries that any failure has), for more than `max_pages`
    pages, and for `MAX_IDLE_PAGES` empty ones in a row.
    """
    settings = session.settings
    followed = SeenKeys()
    request = first_request(session, search)
    idle = 0
    try:
        for number in range(settings.max_pages):
            followed.add(str(request.url))
            page, target = _page_and_target(session, request, search, followed, linked=number > 0)
            yield page
            if target is None:
                return
            idle = 0 if page.entries else idle + 1
            if idle >= MAX_IDLE_PAGES:
                raise FatalError(f"{request.label}: {idle:,} empty pages in a row, and another link")
            request = session.get(target, prefer=f"handling={settings.handling}")
        raise FatalError(f"{request.label}: more than max_pages ({settings.max_pages:,}) pages")
    finally:
        followed.close()


def _page_and_target(
    session: Session, request: Request, search: Search, followed: SeenKeys, *, linked: bool
) -> tuple[Page, httpx2.URL | None]:
    def attempt() -> tuple[Page, httpx2.URL | None]:
        page = _page(session, request, search, linked=linked)
        if page.next_link is None:
            return page, None
        what = f"{request.label}: its next link"
        target = bundle_link(page.next_link, request.url, session.settings.base_url, what)
        if str(target) in followed:
            raise RepeatedLink(f"{what} was followed before")
        return page, target

    try:
        return session.tried(attempt)
    except RepeatedLink as error:
        repeated = error.message
    raise FatalError(f"{repeated}: the server's paging goes in a circle")


def _page(session: Session, request: Request, search: Search, *, linked: bool) -> Page:
    answer = session.once(request)
    if linked and answer.status in (404, 410):
        # Servers keep the state of a search for some time only; what it found is still there.
        raise TransientError(f"{answer.complaint}: the search is gone from the server, read it again")
    if answer.status != 200:
        raise FatalError(f"{answer.complaint}: the server refuses this search")
    return page_of(answer, search.resource_type)
