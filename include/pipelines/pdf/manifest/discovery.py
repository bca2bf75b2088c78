"""Folders as manifests: the documents that lie in a local folder, or below a prefix in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from include.connections.files.arrivals import arrived_files, arrived_objects
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.pdf.manifest.listing import Entry, Listing
from include.pipelines.pdf.manifest.model import ManifestDocument, faults_of
from include.warehouse.window import Window

SUFFIX = ".pdf"
"""In any case. Other names are passed over."""


class PrefixListing(Listing):
    """The objects below a prefix that arrived, or were replaced, within a window; in the order of their keys.

    A document's uuid comes from its URI, so it is the same in every run. Entries pin what the listing said of size and
    ETag.
    """

    may_be_empty: ClassVar[bool] = True

    def __init__(self, store: ObjectStore, prefix: ObjectName, window: Window | None, project: UUID | None) -> None:
        """Without a project, one that is made from the prefix."""
        self._store = store
        self._prefix = prefix
        self._window = window
        self.id = str(prefix)
        self.label = f"manifest {prefix}"
        self._project = project or uuid5(NAMESPACE_URL, str(prefix))

    def entries(self) -> Iterator[Entry]:
        """As the store lists them; raises `SettingsError` where it refuses to, `TransientError`."""
        try:
            for number, found in arrived_objects(self._store, self._prefix, (SUFFIX,), self._window):
                pin = {"bytes": found.pin.size, "etag": found.pin.etag}
                yield _entry(f"object {number}", str(found.name), str(found.name), self._project, pin)
        except RecordRejected as refusal:
            raise SettingsError(f"{self.label} cannot be listed: {refusal.message}") from None


class FolderListing(Listing):
    """The files in a folder and those below it that arrived, or changed, within a window; in the order of their paths.

    A document's uuid comes from its absolute path. Symbolic links are passed over; the names of one folder are in
    memory at once.
    """

    may_be_empty: ClassVar[bool] = True

    def __init__(self, folder: Path, window: Window | None, project: UUID | None) -> None:
        """`folder` is absolute. Without a project, one that is made from its path."""
        self._folder = folder
        self._window = window
        self.id = folder.name
        self.label = f"manifest {folder.name}"
        self._project = project or uuid5(NAMESPACE_URL, folder.as_uri())

    def entries(self) -> Iterator[Entry]:
        """Raises `SettingsError` for a folder that cannot be read."""
        try:
            for found in arrived_files(self._folder, (SUFFIX,), self._window):
                path, size = found.path, {"bytes": found.size}
                yield _entry(f"file {found.place}", str(path), path.as_uri(), self._project, size)
        except OSError as error:
            raise SettingsError(f"{self.label} cannot be read: {type(error).__name__}") from None


def _entry(place: str, file_path: str, uri: str, project: UUID, more: Mapping[str, object]) -> Entry:
    named = {"document_uuid": uuid5(NAMESPACE_URL, uri), "file_path": file_path, "project_uuid": project}
    try:
        document = ManifestDocument.model_validate({**named, **more})
    except ValidationError as error:
        return Entry(place, None, tuple(faults_of(error)))
    return Entry(place, document)
