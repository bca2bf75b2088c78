"""The copy of a manifest that a run's batches refer to: it cannot change while the run lasts."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, LineRange
from include.engine.plan import plan_lines
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.reading import Manifest


def pin_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write the entries, one a line and nothing else, to a file that is named by its digest.

    Call `Manifest.check` before. Raises `SettingsError` when the folder takes no file.
    """
    digest = hashlib.sha256()
    try:
        descriptor, temporary = tempfile.mkstemp(prefix="manifest-", suffix=".part", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            for document in manifest.documents():
                line = document.model_dump_json(exclude_none=True).encode() + b"\n"
                digest.update(line)
                file.write(line)
        pinned = folder / f"manifest-{digest.hexdigest()}.ndjson"
        Path(temporary).replace(pinned)
    except OSError as error:
        raise SettingsError(f"work_folder does not take the manifest's copy: {type(error).__name__}") from None
    return pinned


def plan_pinned(pinned: Path, batch_size: int) -> list[Batch]:
    """Batches over the lines of a pinned copy."""
    with pinned.open("rb") as file:
        return plan_lines(pinned.name, _pin(pinned), file, batch_size)


def read_pinned(folder: Path, part: LineRange) -> Iterator[ManifestDocument]:
    """The documents of a batch; raises `SourceChanged` when the copy is gone or not the one that was planned."""
    path = folder / Path(part.uri).name
    try:
        if _pin(path) != part.pin:
            raise SourceChanged("the copy of the manifest is not the one that was planned: trigger a new run")
        with path.open("rb") as file:
            file.seek(part.start)
            for _ in range(part.first_line, part.last_line):
                yield ManifestDocument.model_validate_json(file.readline())
    except OSError as error:
        name = type(error).__name__
        raise SourceChanged(f"the copy of the manifest in work_folder is gone ({name}): trigger a new run") from None


def _pin(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
