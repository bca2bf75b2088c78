"""URLs that settings and servers name: read by the parser that sends them, and shown without their values."""

from __future__ import annotations

import httpx2

from include.engine.errors import FatalError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_NAMES = 20
"""Parameter names that a label shows."""


def parsed(url: str, what: str) -> httpx2.URL:
    """An absolute http(s) URL; raises `FatalError` naming `what` it was, never the URL: it may hold identifiers."""
    found = _parsed(url)
    if found is None or not found.host or found.scheme not in ("http", "https"):
        raise FatalError(f"{what} is not an http or https URL")
    if found.userinfo:
        raise FatalError(f"{what} carries a login: a login belongs into the connection")
    return found


def joined(link: str, above: httpx2.URL, what: str) -> httpx2.URL:
    """A link that came with the answer of `above`, as an absolute URL; raises `FatalError` that names `what` it was."""
    found = _parsed(link)
    if found is not None and not found.scheme:
        found = above.join(found)
    target = parsed(str(found) if found is not None else "", what)
    if above.scheme == "https" and target.scheme == "http":
        raise FatalError(
            f"{what} leads from https to http on {target.host}: the server builds its links with a wrong address, "
            "set its public base URL (behind a proxy: X-Forwarded-Proto)"
        )
    return target


def label(method: str, url: httpx2.URL) -> str:
    """Method, path and the names of parameters: their values may identify a person."""
    names = list(dict.fromkeys(url.params.keys()))
    shown = ",".join(names[:MAX_NAMES]) + (",…" if len(names) > MAX_NAMES else "")
    return f"{method} {url.path}" + (f"?{shown}" if shown else "")


def _parsed(url: str) -> httpx2.URL | None:
    try:
        return httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        return None  # the caller raises, so that its error's context does not hold the URL
