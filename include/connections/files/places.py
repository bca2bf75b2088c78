"""Files wherever they are: in S3 or on disk."""

from __future__ import annotations

from dataclasses import dataclass

from include.connections.files.location import Location, ObjectPin
from include.connections.files.object_names import is_object_uri
from include.connections.files.objects import ObjectStore
from include.connections.files.roots import LocalRoots
from include.engine.errors import RecordRejected


@dataclass(frozen=True, slots=True)
class Places:
    """Finds `s3://…` in the store, and everything else below the roots. Raises as the two do."""

    roots: LocalRoots
    objects: ObjectStore | None
    """None where the settings name no connection."""

    def __call__(self, path: str, pin: ObjectPin | None = None, /) -> Location:
        """Where the bytes are, now."""
        if not is_object_uri(path):
            return self.roots(path)
        if self.objects is None:
            raise RecordRejected("file.outside_roots", "the path is in S3: set s3_conn_id and s3_prefixes")
        return self.objects(path, pin)
