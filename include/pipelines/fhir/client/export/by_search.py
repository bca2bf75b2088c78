"""An export from a server without `$export`: the same files, filled by searches."""

from __future__ import annotations

import logging
from contextlib import closing

from include.engine.errors import FatalError
from include.pipelines.fhir.client.export.folder import ExportFolder, FileState
from include.pipelines.fhir.client.export.landing import Landing
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.json_text import write_object
from include.pipelines.fhir.client.pages import first_page
from include.pipelines.fhir.client.search import Search
from include.pipelines.fhir.client.search_all import search_entries
from include.pipelines.fhir.client.seen import SeenKeys
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)


def export_by_search(session: Session, request: ExportRequest, folder: ExportFolder) -> None:
    """Fill a file a type, one after the other; those that are complete stay.

    Raises `FatalError` for what searches cannot do: all types of a server, or one group.
    """
    if not request.types:
        raise FatalError("the server has no $export, and a search needs its types: name them in the request")
    if request.group_id is not None:
        raise FatalError("the server has no $export, and a search cannot follow a group's members: export all patients")
    state = folder.state
    if state.transaction_time is None:
        # Before the first search, so that what changes meanwhile belongs to the next export.
        probe = first_page(session, Search(resource_type=request.types[0], page_size=1))
        state.transaction_time = probe.server_time or session.clock.now()
        folder.save()
    for position, (resource_type, searches) in enumerate(request.searches()):
        name, place = f"output-{position:06d}-{resource_type}.ndjson", f"{session.settings.base_url}/{resource_type}"
        if not folder.holds(name, place):
            folder.complete(name, _fill(session, searches, folder, name, place))


def _fill(session: Session, searches: list[Search], folder: ExportFolder, name: str, place: str) -> FileState:
    resource_type = searches[0].resource_type
    with Landing(folder.part(name)) as landing, closing(SeenKeys()) as seen:
        for search in searches:
            for entry in search_entries(session, search):
                text = write_object(entry.resource)
                # Filters of one type overlap; includes are none of an export's.
                if entry.mode == "match" and (len(searches) == 1 or seen.add(text)):
                    landing.write(f"{text}\n".encode())
        lines = landing.settle()
    log.info("export by search: %s, %d bytes, %d lines", name, landing.size, lines or 0)
    return FileState(kind="output", resource_type=resource_type, url=place, size=landing.size, lines=lines or 0)
