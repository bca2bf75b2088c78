"""The HTTP library logs whole URLs and headers, which may identify a person: those lines end here."""

from __future__ import annotations

import logging

_LOUD = (
    "httpx2",
    "httpcore2.connection",
    "httpcore2.http11",
    "httpcore2.http2",
    "httpcore2.proxy",
    "httpcore2.socks",
)


def quiet_library_logs() -> None:
    """Drop what the library logs below a warning, whatever the level of its loggers. Safe to call often."""
    for name in _LOUD:
        logging.getLogger(name).addFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
