"""From what a run is told to read to its listing: a manifest or a folder, on disk or in S3."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from include.connections.files.fetch import fetch
from include.connections.files.object_names import ObjectName, is_object_uri
from include.connections.files.objects import ObjectStore
from include.connections.files.patience import patiently
from include.connections.files.places import Places
from include.engine.errors import HeadraceError, RecordRejected, SettingsError, TransientError
from include.pipelines.pdf.manifest.discovery import FolderListing, PrefixListing
from include.pipelines.pdf.manifest.listing import Listing
from include.pipelines.pdf.manifest.reading import Manifest, is_manifest_name
from include.warehouse.window import Window

MAX_MANIFEST_BYTES = 1024 * 1024 * 1024
"""Of one in S3, which is copied to this machine first."""


@contextmanager
def opened_listing(place: str, places: Places, window: Window | None, project: UUID | None) -> Iterator[Listing]:
    """The listing, usable within the context. The window is for folders: a manifest is read whole.

    Raises `SettingsError` for a place that is not allowed or not there, `TransientError`.
    """
    if not is_object_uri(place):
        yield _local(place, places, window, project)
        return
    if places.objects is None:
        raise SettingsError("manifest: it is in S3, set s3_conn_id and s3_prefixes")
    with _named(HeadraceError):
        name = places.objects.allowed(place if is_manifest_name(place) or place.endswith("/") else f"{place}/")
    if not is_manifest_name(place):
        yield PrefixListing(places.objects, name, window, project)
        return
    # Without a name, so that it goes with this process, whatever ends that.
    with tempfile.TemporaryFile(prefix="headrace-manifest-") as file:
        _copy(places.objects, name, file)
        yield Manifest(Path(f"/dev/fd/{file.fileno()}"), name.key.rpartition("/")[2])


def _local(place: str, places: Places, window: Window | None, project: UUID | None) -> Listing:
    with _named(HeadraceError):
        if is_manifest_name(place):
            return Manifest(Path(places.roots(place).path))
        folder = places.roots.resolve(place)
    if not folder.is_dir():
        raise SettingsError("manifest: neither a file .json or .ndjson nor a folder that is there")
    return FolderListing(folder, window, project)


def _copy(store: ObjectStore, name: ObjectName, file: BinaryIO) -> None:
    with _named(RecordRejected):
        location = patiently(lambda: store(str(name)))
        if location.size > MAX_MANIFEST_BYTES:
            raise SettingsError(f"manifest: {location.size} bytes, {MAX_MANIFEST_BYTES} are allowed: split it")

        def once() -> None:
            file.seek(0)
            file.truncate()
            fetch(location, file)
            file.flush()

        patiently(once)


@contextmanager
def _named(kind: type[HeadraceError]) -> Iterator[None]:
    try:
        yield
    except (SettingsError, TransientError):
        raise
    except kind as error:
        raise SettingsError(f"manifest: {error}") from None
