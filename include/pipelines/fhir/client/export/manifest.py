"""The list of files that an export made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from include.engine.errors import FatalError
from include.pipelines.fhir.client.export.result import FileKind
from include.pipelines.fhir.client.json_text import Resource
from include.pipelines.fhir.client.search import RESOURCE_TYPE

_KINDS: tuple[FileKind, ...] = ("output", "deleted", "error")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file at the server."""

    kind: FileKind
    resource_type: str
    url: str
    """As it stands."""
    count: int | None
    """Resources in it, where the server says."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a finished job made."""

    transaction_time: datetime
    """UTC, aware."""
    needs_token: bool
    files: tuple[ManifestFile, ...]
    next_link: str | None
    """A manifest may have pages."""


def manifest_of(document: Resource, place: str) -> Manifest:
    """Raises `FatalError` that names what is missing, and where."""
    links = document.get("link")
    following = [
        str(link.get("url"))
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("relation") == "next"
    ]
    return Manifest(
        transaction_time=_moment(document.get("transactionTime"), place),
        needs_token=document.get("requiresAccessToken") is not False,
        files=tuple(file for kind in _KINDS for file in _files(document.get(kind), kind, place)),
        next_link=following[0] if following else None,
    )


def _files(listed: object, kind: FileKind, place: str) -> Iterator[ManifestFile]:
    if not isinstance(listed, list):
        if listed is not None or kind == "output":
            raise FatalError(f"{place}: the manifest's {kind} is no list")
        return
    for position, entry in enumerate(listed, 1):
        words = entry if isinstance(entry, dict) else {}
        name = words.get("type", {"deleted": "Bundle", "error": "OperationOutcome"}.get(kind))
        url, count = words.get("url"), words.get("count")
        if not isinstance(name, str) or not RESOURCE_TYPE.fullmatch(name) or not isinstance(url, str):
            raise FatalError(f"{place}: {kind} file {position} of the manifest has no type or no url")
        yield ManifestFile(kind, name, url, count if isinstance(count, int) else None)


def _moment(value: object, place: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise FatalError(f"{place}: the manifest's transactionTime is no instant")
    return moment.astimezone(UTC)
