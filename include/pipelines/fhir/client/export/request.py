"""What an export asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode

from include.engine.errors import SettingsError
from include.pipelines.fhir.client.instance import RESOURCE_ID
from include.pipelines.fhir.client.search import RESOURCE_TYPE, Search, instant

NDJSON = "application/fhir+ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Everything, all patients' resources, or a group's. Raises `SettingsError` for a name that cannot be one."""

    types: tuple[str, ...] = ()
    """`_type`; empty is all that the server has, which only `$export` can do."""
    since: datetime | None = None
    """`_since`: what changed from then on, to the millisecond; a naive moment counts as UTC."""
    type_filters: tuple[str, ...] = ()
    """`_typeFilter`: searches such as `Observation?status=final`; those of one type add up."""
    patients_only: bool = False
    """`Patient/$export`: all patients and what belongs to them."""
    group_id: str | None = None
    """`Group/…/$export`: its members and what belongs to them."""

    def __post_init__(self) -> None:
        named = [*self.types, *(text.partition("?")[0] for text in self.type_filters)]
        if not all(map(RESOURCE_TYPE.fullmatch, named)):
            raise SettingsError("export: types and type_filters must begin with the name of a resource type")
        if self.group_id is not None and not RESOURCE_ID.fullmatch(self.group_id):
            raise SettingsError("export: group_id must be 1 to 64 of A-Z a-z 0-9 - .")
        if self.types and (extra := sorted({name for name in named if name not in self.types})):
            raise SettingsError(f"export: type_filters name {', '.join(extra)}, which types does not")

    def path(self) -> str:
        """Relative to the service's base."""
        query = [("_outputFormat", NDJSON)]
        if self.types:
            query.append(("_type", ",".join(self.types)))
        if self.since is not None:
            query.append(("_since", instant(self.since)))
        query += [("_typeFilter", text) for text in self.type_filters]
        level = f"Group/{self.group_id}/" if self.group_id is not None else "Patient/" if self.patients_only else ""
        return f"{level}$export?{urlencode(query, quote_via=quote)}"

    def fingerprint(self, base_url: str) -> str:
        """Tells this export of this server from others; gives none of its values away."""
        return hashlib.sha256(f"{base_url}/{self.path()}".encode()).hexdigest()

    def searches(self) -> Iterator[tuple[str, list[Search]]]:
        """Types and the searches that find what the export would hold of them, for a server without `$export`."""
        since = [("_lastUpdated", f"ge{instant(self.since)}")] if self.since is not None else []
        for name in self.types:
            own = [query for kind, _, query in (text.partition("?") for text in self.type_filters) if kind == name]
            yield (
                name,
                [
                    Search(resource_type=name, params=(*parse_qsl(query, keep_blank_values=True), *since))
                    for query in own or [""]
                ],
            )
