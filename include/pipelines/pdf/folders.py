"""The folders that the settings name, on disk or in S3."""

from __future__ import annotations

from pathlib import Path

from include.connections.files.folder import FileFolder, LocalFolder, ObjectFolder
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError
from include.pipelines.pdf.manifest.pinned import LocalPins, PinFolder
from include.pipelines.pdf.manifest.pinned_objects import ObjectPins


def pin_folder(folder: str | Path | None, objects: ObjectStore | None) -> PinFolder:
    """Of the setting `work_folder`; raises `SettingsError` for one that is not there."""
    if isinstance(folder, str):
        return ObjectPins(_store("work_folder", objects), ObjectName.parse_folder(folder))
    return LocalPins(_present("work_folder", folder))


def text_folder(folder: str | Path | None, objects: ObjectStore | None) -> FileFolder:
    """Of the setting `text_folder`; raises `SettingsError` for one that is not there."""
    if isinstance(folder, str):
        return ObjectFolder(_store("text_folder", objects), ObjectName.parse_folder(folder), "text_folder")
    return LocalFolder(_present("text_folder", folder), "text_folder")


def _present(setting: str, folder: Path | None) -> Path:
    if folder is None or not folder.is_dir():
        raise SettingsError(f"{setting} must be the absolute path of a folder that is there and all tasks see")
    return folder


def _store(setting: str, objects: ObjectStore | None) -> ObjectStore:
    if objects is None:
        raise SettingsError(f"{setting}: it is in S3, set s3_conn_id")
    return objects
