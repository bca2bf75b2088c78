"""What resources hold and views do not read: paths of elements, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.reads import reads_of

MAX_PATHS = 5_000
"""Different paths that are counted apart."""
OTHER = "(other paths)"
"""Stands for all beyond these."""
NO_NAME = "(no element name)"
"""Stands for a member that cannot be an element of FHIR: it could be anything, so it is not shown."""

_is_name = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}").fullmatch
_is_url = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:[A-Za-z0-9/:._-]{1,200}|[A-Za-z][A-Za-z0-9-]{0,63}").fullmatch


def paths_in(element: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any part of a resource
    """The path of each value below: `name.given`, `extension('url').valueCode`; all of a list have the same."""
    if isinstance(element, Mapping):
        for name, value in element.items():
            below = _named(str(name))
            yield from paths_in(value, f"{path}.{below}" if path else below)
    elif isinstance(element, list):
        for item in element:
            yield from paths_in(item, _extension(path, item) if path.rpartition(".")[2] == "extension" else path)
    elif element is not None:
        yield path


def _named(name: str) -> str:
    """`_birthDate` holds what belongs to `birthDate`."""
    return name.removeprefix("_") if _is_name(name) else NO_NAME


def _extension(path: str, item: object) -> str:
    url = item.get("url") if isinstance(item, Mapping) else None
    return f"{path}('{url}')" if isinstance(url, str) and _is_url(url) else path


class Unread:
    """Counts over resources of one type. For one thread."""

    def __init__(self, views: Sequence[CompiledView]) -> None:
        self._covers = reads_of(views).covers()
        self._known: dict[str, bool] = {}
        self.resources = 0
        self.counts: Counter[str] = Counter()
        """Resources that hold something at a path which no view reads, by path."""

    def note(self, resource: Mapping[str, Any]) -> None:
        """Count a resource."""
        self.resources += 1
        for path in set(paths_in(resource)):
            if not self._is_read(path):
                self.counts[path if path in self.counts or len(self.counts) < MAX_PATHS else OTHER] += 1

    def _is_read(self, path: str) -> bool:
        known = self._known.get(path)
        if known is None:
            known = bool(self._covers(path))
            if len(self._known) < MAX_PATHS:
                self._known[path] = known
        return known
