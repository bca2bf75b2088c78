"""From settings to the S3 that they name."""

from __future__ import annotations

from include.connections.files.objects import ObjectStore
from include.connections.files.settings import FileSettings
from include.warehouse.airflow_connections import open_s3


def opened_store(settings: FileSettings) -> ObjectStore | None:
    """Through the connection `s3_conn_id`, looked up now; None where the settings name none.

    Raises `SettingsError` for a connection that is not there or of another type.
    """
    if settings.s3_conn_id is None:
        return None
    return ObjectStore(open_s3(settings.s3_conn_id), settings.s3_prefixes)
