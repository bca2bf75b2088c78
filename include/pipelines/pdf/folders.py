"""The folders that the settings name, on disk or in S3."""

from __future__ import annotations

from pathlib import Path

from include.connections.files.folder import FileFolder
from include.connections.files.named_folder import named_folder, present_folder, store_of
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.pipelines.pdf.manifest.pinned import LocalPins, PinFolder
from include.pipelines.pdf.manifest.pinned_objects import ObjectPins


def pin_folder(folder: str | Path | None, objects: ObjectStore | None) -> PinFolder:
    """Of the setting `work_folder`; raises `SettingsError` for one that is not there."""
    if isinstance(folder, str):
        return ObjectPins(store_of("work_folder", objects), ObjectName.parse_folder(folder))
    return LocalPins(present_folder("work_folder", folder))


def text_folder(folder: str | Path | None, objects: ObjectStore | None) -> FileFolder:
    """Of the setting `text_folder`; raises `SettingsError` for one that is not there."""
    return named_folder("text_folder", folder, objects)
