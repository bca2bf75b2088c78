"""The copy of a run's documents that its batches refer to: it cannot change while the run lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from include.connections.files.unfinished import unfinished
from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, LineRange
from include.pipelines.pdf.manifest.cuts import Cuts
from include.pipelines.pdf.manifest.model import ManifestDocument


class PinFolder(Protocol):
    """Where copies are kept. Nothing removes them: a run's can go once nobody will clear its tasks any more."""

    def keep(self, lines: Iterable[bytes]) -> tuple[str, str]:
        """Write the lines, read once, as one file that is named by its digest: the same lines have one copy.

        Gives `uri` and `pin` of a `LineRange`. Raises `SettingsError` where no file can be kept, `TransientError`.
        """
        ...

    def read(self, part: LineRange) -> Iterator[bytes]:
        """The lines of a part; raises `SourceChanged` when the copy is gone or another one, `TransientError`."""
        ...


def plan_pinned(
    documents: Iterable[ManifestDocument], folder: PinFolder, batch_size: int, mean_bytes: float
) -> list[Batch]:
    """Copy the documents, a line each, and cut the lines into batches; one pass, in flat memory."""
    cuts = Cuts(batch_size, mean_bytes)
    uri, pin = folder.keep(_noted(documents, cuts))
    return cuts.batches(uri, pin)


def read_pinned(folder: PinFolder, part: LineRange) -> Iterator[ManifestDocument]:
    """The documents of a batch, in order; raises as the folder does."""
    return map(ManifestDocument.model_validate_json, folder.read(part))


def _noted(documents: Iterable[ManifestDocument], cuts: Cuts) -> Iterator[bytes]:
    for document in documents:
        line = document.model_dump_json(exclude_none=True).encode() + b"\n"
        cuts.add(len(line), document.bytes)
        yield line


def write_lines(lines: Iterable[bytes], file: IO[bytes]) -> str:
    """The digest of what was written."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        file.write(line)
    file.flush()
    return digest.hexdigest()


def copy_name(digest: str) -> str:
    """Of a copy in its folder."""
    return f"manifest-{digest}.ndjson"


@dataclass(frozen=True, slots=True)
class LocalPins:
    """Copies in a folder that all tasks see."""

    folder: Path

    def keep(self, lines: Iterable[bytes]) -> tuple[str, str]:
        """See `PinFolder`."""
        try:
            with unfinished(self.folder) as (path, file):
                digest = write_lines(lines, file)
                path.replace(self.folder / copy_name(digest))
        except OSError as error:
            raise SettingsError(f"work_folder does not take the manifest's copy: {type(error).__name__}") from None
        return copy_name(digest), f"sha256:{digest}"

    def read(self, part: LineRange) -> Iterator[bytes]:
        """See `PinFolder`."""
        path = self.folder / Path(part.uri).name
        try:
            with path.open("rb") as file:
                if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != part.pin:
                    raise SourceChanged("the copy of the manifest is not the one that was planned: trigger a new run")
                file.seek(part.start)
                for _ in range(part.first_line, part.last_line):
                    yield file.readline()
        except OSError as error:
            name = type(error).__name__
            raise SourceChanged(
                f"the copy of the manifest in work_folder is gone ({name}): trigger a new run"
            ) from None
