"""Documents wherever they are: in S3 or on disk."""

from __future__ import annotations

from dataclasses import dataclass

from include.engine.errors import RecordRejected
from include.pipelines.pdf.content.location import Location, ObjectPin
from include.pipelines.pdf.content.object_names import is_object_uri
from include.pipelines.pdf.content.objects import ObjectStore
from include.pipelines.pdf.content.roots import LocalRoots


@dataclass(frozen=True, slots=True)
class Places:
    """Finds `s3://…` in the store, and everything else below the roots. Raises as the two do."""

    roots: LocalRoots
    objects: ObjectStore | None
    """None where the settings name no connection."""

    def __call__(self, file_path: str, pin: ObjectPin | None = None, /) -> Location:
        """Where the bytes are, now."""
        if not is_object_uri(file_path):
            return self.roots(file_path)
        if self.objects is None:
            raise RecordRejected("pdf.outside_roots", "file_path is in S3: set s3_conn_id and s3_prefixes")
        return self.objects(file_path, pin)
