"""The folders that settings name, on disk or in S3."""

from __future__ import annotations

from pathlib import Path

from include.connections.files.folder import FileFolder, LocalFolder, ObjectFolder
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError


def named_folder(setting: str, folder: str | Path | None, objects: ObjectStore | None) -> FileFolder:
    """Where the setting says files are kept; raises `SettingsError` for a folder that is not there."""
    if isinstance(folder, str):
        return ObjectFolder(store_of(setting, objects), ObjectName.parse_folder(folder), setting)
    return LocalFolder(present_folder(setting, folder), setting)


def present_folder(setting: str, folder: Path | None) -> Path:
    """A folder on disk that is there; raises `SettingsError`."""
    if folder is None or not folder.is_dir():
        raise SettingsError(f"{setting} must be the absolute path of a folder that is there and all tasks see")
    return folder


def store_of(setting: str, objects: ObjectStore | None) -> ObjectStore:
    """The store, for a setting that names something in it; raises `SettingsError` where there is none."""
    if objects is None:
        raise SettingsError(f"{setting}: it is in S3, set s3_conn_id")
    return objects
