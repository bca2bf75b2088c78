"""Resources that a server's searches find, lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from include.engine.errors import RecordRejected
from include.engine.model import Key, NamedSlice, Record
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.moments import version_at
from include.pipelines.fhir.records import deletion_of, record_of, resource_text
from include.pipelines.fhir.source.search_plan import server_time
from include.pipelines.fhir.streams import Stream, stream_of
from include.pipelines.fhir.views.resources import is_key
from include.warehouse.vanished import Vanished, missing_record

Connect = Callable[[], FHIRClient]
"""A client of the server, which its user closes."""

LISTED = 50
"""Ids that one search asks for: more would make its URL too long for some servers."""


DATE_CUTS = timedelta(seconds=1)
"""HTTP tells the time in whole seconds: a deletion must not look older than the state that it ended."""


class Searched:
    """Reads slices of searches, and listed keys."""

    def __init__(self, connect: Connect, elements: Mapping[str, Sequence[str]]) -> None:
        """`elements` by type of resource, where not all are asked for."""
        self._connect = connect
        self._elements = elements

    def slice(self, part: NamedSlice) -> Iterator[Record]:
        """Matches, and what the server sends along with them, a page in memory at a time."""
        stream = stream_of(part.name)
        search = stream.search(part.lower, part.upper, elements=self._elements.get(stream.resource_type, ()))
        with self._connect() as client:
            for entry in client.search_all(search, counted=True):
                yield record_of(resource_text(entry.resource))

    def listed(self, keys: Iterable[Key], vanished: Vanished) -> Iterator[Record]:
        """The resources of these keys, some at a time.

        One that the server says it has deleted comes as a deletion; one that it does not know comes with a fault, and
        loses its rows where `vanished` says `remove`.
        """
        iterator = map(str, keys)
        with self._connect() as client:
            while chunk := list(dict.fromkeys(islice(iterator, LISTED))):
                yield from (_missing(key, vanished) for key in chunk if not is_key(key))
                for resource_type in sorted({key.partition("/")[0] for key in chunk if is_key(key)}):
                    ids = [
                        key.partition("/")[2] for key in chunk if is_key(key) and key.startswith(f"{resource_type}/")
                    ]
                    yield from self._of_type(client, resource_type, ids, vanished)

    def _of_type(
        self, client: FHIRClient, resource_type: str, ids: Sequence[str], vanished: Vanished
    ) -> Iterator[Record]:
        stream = Stream(resource_type, resource_type, (("_id", ",".join(ids)),))
        search = stream.search(elements=self._elements.get(resource_type, ()), page_size=len(ids))
        missing = dict.fromkeys(ids)
        for entry in client.search_all(search):
            if entry.mode == "match" and entry.resource.get("id") in missing:
                del missing[entry.resource["id"]]
                yield record_of(resource_text(entry.resource))
        if missing:
            # By the server's clock, and before the reads: what it creates anew under such an id is newer.
            moment = version_at(server_time(client, Stream(resource_type, resource_type)) + DATE_CUTS)
            for resource_id in missing:
                yield _looked_up(client, resource_type, resource_id, moment, vanished)


def _looked_up(client: FHIRClient, resource_type: str, resource_id: str, moment: str, vanished: Vanished) -> Record:
    """Of a resource that no search finds: only a read tells whether it was deleted."""
    try:
        return record_of(resource_text(client.read(resource_type, resource_id)))
    except RecordRejected as rejected:
        if rejected.code == "fhir.deleted":
            return deletion_of(resource_type, resource_id, moment)
        if rejected.code == "fhir.not_found":
            return _missing(f"{resource_type}/{resource_id}", vanished)
        return Record(f"{resource_type}/{resource_id}", None, fault=rejected)


def _missing(key: str, vanished: Vanished) -> Record:
    return missing_record(key, "the server has no resource of this key", vanished)
