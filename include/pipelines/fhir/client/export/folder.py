"""How far an export came, in its folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Set
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from include.engine.errors import SettingsError, SourceChanged
from include.pipelines.fhir.client.export.result import Export, ExportFile, FileKind

STATE = "export.json"


class FileState(BaseModel):
    """A complete file."""

    model_config = ConfigDict(extra="forbid")

    kind: FileKind
    resource_type: str
    url: str
    """Where it came from, without its query (that may be a signature), or with a digest of it."""
    size: int
    lines: int


class ExportState(BaseModel):
    """The content of `export.json`."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    status_url: str | None = None
    """Of the job at the server; None where there is none, or none any more."""
    searched: bool = False
    transaction_time: datetime | None = None
    finished: bool = False
    files: dict[str, FileState] = {}
    """Complete files by name."""


class ExportFolder:
    """The files and the state of one export. `complete` may be called from many threads, the rest from one."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Raises `SettingsError` for a folder that another export used."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self.state = self._found(fingerprint)

    def begin(self, *, status_url: str | None = None, searched: bool = False) -> None:
        """A new job, or none: what is there of an older one goes."""
        for name in self.state.files:
            (self.path / name).unlink(missing_ok=True)
        self.state = ExportState(fingerprint=self.state.fingerprint, status_url=status_url, searched=searched)
        self.save()

    def forget_job(self) -> None:
        """The server has it no more."""
        self.state.status_url = None
        self.save()

    def keep_only(self, names: Set[str]) -> None:
        """Drop complete files that the job's manifest does not name so: their content comes under another name."""
        for name in set(self.state.files) - names:
            (self.path / name).unlink(missing_ok=True)
            del self.state.files[name]
        self.save()

    def holds(self, name: str, url: str) -> bool:
        """Whether the file is complete, in the state and on the disk."""
        known, path = self.state.files.get(name), self.path / name
        return known is not None and known.url == url and path.is_file() and path.stat().st_size == known.size

    def part(self, name: str) -> Path:
        """Where a file grows: empty, and readable by its owner only."""
        path = self.path / f"{name}.part"
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path

    def complete(self, name: str, file: FileState) -> None:
        """Its part is on the disk to the last byte."""
        (self.path / f"{name}.part").replace(self.path / name)
        with self._lock:
            self.state.files[name] = file
            self.save()

    def finish(self) -> None:
        """All files are complete."""
        self.state.finished = True
        self.save()

    def save(self) -> None:
        """Whole or not at all, whenever the process ends."""
        draft = self.path / f"{STATE}.part"
        with draft.open("w", encoding="utf-8") as file:
            file.write(self.state.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path / STATE)

    def export(self) -> Export:
        """Of a finished one, in the server's order."""
        files = [
            ExportFile(state.kind, state.resource_type, self.path / name, state.size, state.lines)
            for name, state in sorted(self.state.files.items())
        ]
        if self.state.transaction_time is None:
            raise AssertionError("a finished export has its time")
        output, deleted, error = (
            tuple(file for file in files if file.kind == kind) for kind in ("output", "deleted", "error")
        )
        return Export(self.state.transaction_time, self.state.searched, output, deleted, error)

    def _found(self, fingerprint: str) -> ExportState:
        try:
            state = ExportState.model_validate_json((self.path / STATE).read_bytes())
        except FileNotFoundError:
            return ExportState(fingerprint=fingerprint)
        except ValidationError:
            state = None
        if state is None or state.fingerprint != fingerprint:
            raise SettingsError(f"the folder {self.path} holds another export: give each its own")
        return state


def finished_export(path: Path) -> Export:
    """Of a folder whose export came to its end, whatever was asked for; raises `SourceChanged` where there is none."""
    try:
        state = ExportState.model_validate_json((path / STATE).read_bytes())
    except (OSError, ValidationError):
        state = None
    if state is None or not state.finished:
        raise SourceChanged(f"the export in {path} is gone or not complete: trigger a new run")
    return ExportFolder(path, state.fingerprint).export()
