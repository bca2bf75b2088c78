"""Links of Bundles."""

from __future__ import annotations

import httpx2

from include.connections.http.addresses import joined


def bundle_link(link: str, page: httpx2.URL, base: str, what: str) -> httpx2.URL:
    """As `joined`, of a link in a Bundle: a relative one is relative to the service's base (R4, Bundle.link)."""
    by_page = link.startswith(("?", "http://", "https://"))
    return joined(link, page if by_page else httpx2.URL(f"{base}/"), what)
