"""One name for one company's site, however a row writes it."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))+")


def normalised(text: str) -> str | None:
    """`acme.example` of `https://www.Acme.example/about`, `jane@acme.example` or `ACME.example.`; None for no domain.

    Names outside ASCII become punycode.
    """
    host = text.strip().lower().rpartition("://")[2]
    host = re.split(r"[/?#]", host, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d{0,5}$", "", host).strip(".").removeprefix("www.")
    try:
        ascii_host = host.encode("idna").decode()
    except UnicodeError:
        return None
    return ascii_host if len(ascii_host) <= 253 and _PLAIN.fullmatch(ascii_host) else None
