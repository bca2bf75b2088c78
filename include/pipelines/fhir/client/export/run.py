"""An export from its start, or from where a crash left it, to complete files."""

from __future__ import annotations

import logging
from pathlib import Path

from include.engine.errors import FatalError
from include.pipelines.fhir.client.export.by_search import export_by_search
from include.pipelines.fhir.client.export.download import download
from include.pipelines.fhir.client.export.folder import ExportFolder
from include.pipelines.fhir.client.export.job import JobGone, delete_job, kick_off, wait_for
from include.pipelines.fhir.client.export.request import ExportRequest
from include.pipelines.fhir.client.export.result import Export
from include.pipelines.fhir.client.outcome import codes_text
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)


def run_export(session: Session, request: ExportRequest, path: Path) -> Export:
    """See `FHIRClient.export`."""
    folder = ExportFolder(path, request.fingerprint(session.settings.base_url))
    if not folder.state.finished:
        _fill(session, request, folder)
        folder.finish()
    if folder.state.status_url is not None:
        delete_job(session, folder.state.status_url)
        folder.forget_job()
    export = folder.export()
    if codes := export.error_codes():
        log.warning("export: the server says %s", codes_text(codes))
    return export


def _fill(session: Session, request: ExportRequest, folder: ExportFolder) -> None:
    earlier = folder.state.status_url
    if earlier is not None:
        try:
            return _collect(session, folder, earlier)
        except JobGone as error:
            log.warning("%s: the export starts again", error)
    status_url = None
    if not folder.state.searched:
        status_url = kick_off(session, request)
        folder.begin(status_url=status_url, searched=status_url is None)
    if status_url is not None:
        return _collect(session, folder, status_url)
    log.warning("the server has no $export: it is searched instead")
    return export_by_search(session, request, folder)


def _collect(session: Session, folder: ExportFolder, status_url: str) -> None:
    try:
        manifest = wait_for(session, status_url)
    except (JobGone, FatalError):
        # No later attempt can go on with this job, so the next one starts its own.
        delete_job(session, status_url)
        folder.forget_job()
        raise
    folder.state.transaction_time = manifest.transaction_time
    # A fatal error here is a bound or an origin to be changed in the connection: the job waits for that.
    download(session, manifest, status_url, folder)
