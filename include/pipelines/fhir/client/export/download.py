"""Files of an export, some at a time, to the disk."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import httpx2

from include.connections.http.addresses import joined
from include.connections.http.clock import PartClock
from include.engine.errors import FatalError, TransientError
from include.pipelines.fhir.client.exchange import FhirAnswer
from include.pipelines.fhir.client.export.folder import ExportFolder, FileState
from include.pipelines.fhir.client.export.landing import Landing
from include.pipelines.fhir.client.export.manifest import Manifest, ManifestFile
from include.pipelines.fhir.client.export.request import NDJSON
from include.pipelines.fhir.client.session import Session

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    name: str
    """In the folder; sorts as the manifest is ordered."""
    file: ManifestFile
    url: httpx2.URL
    place: str
    """What tells it from the job's other files, in every manifest of the job."""


def download(session: Session, manifest: Manifest, status_url: str, folder: ExportFolder) -> None:
    """Bring every file that the folder does not hold, `parallel_downloads` at a time.

    The first error ends the others at their next piece and is raised; complete files stay complete.
    """
    wanted = _wanted(manifest, httpx2.URL(status_url))
    folder.keep_only({file.name for file in wanted})
    missing = [file for file in wanted if not folder.holds(file.name, file.place)]
    log.info("export: %d files, %d of them to download", len(manifest.files), len(missing))
    clock = PartClock(session.clock)
    part = replace(session, clock=clock)
    # More than the pool has connections would only wait for each other, and give up.
    threads = min(session.settings.parallel_downloads, session.settings.pool_size)
    in_threads([_job(part, manifest, file, folder) for file in missing], threads, clock.halt)


def in_threads(jobs: Sequence[Callable[[], None]], threads: int, halt: Callable[[], None]) -> None:
    """Run all; the first error halts the others and is raised when they have ended, an interrupt at once."""
    errors: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - it is raised below, in the caller's thread
            errors.append(error)  # what comes after the first follows from the halt
            halt()

    executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="fhir-export")
    try:
        wait([executor.submit(guarded, job) for job in jobs])
    except BaseException:
        halt()
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()
    if errors:
        raise errors[0]


def _wanted(manifest: Manifest, status_url: httpx2.URL) -> list[_Wanted]:
    urls = [
        joined(file.url, status_url, f"the URL of file {position} ({file.kind}) of the export")
        for position, file in enumerate(manifest.files, 1)
    ]
    counts = Counter(map(_without_query, urls))
    return [
        _Wanted(f"{file.kind}-{position:06d}-{file.resource_type}.ndjson", file, url, _place(url, counts))
        for position, (file, url) in enumerate(zip(manifest.files, urls, strict=True))
    ]


def _without_query(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"


def _place(url: httpx2.URL, counts: Counter[str]) -> str:
    """A query may be a signature that each manifest has anew, so it counts only where paths alone tell nothing."""
    place = _without_query(url)
    return place if counts[place] == 1 else f"{place}#{hashlib.sha256(url.query).hexdigest()}"


def _job(session: Session, manifest: Manifest, wanted: _Wanted, folder: ExportFolder) -> Callable[[], None]:
    def job() -> None:
        session.clock.check()
        folder.complete(wanted.name, session.tried(lambda: _fetch(session, manifest, wanted, folder)))

    return job


def _fetch(session: Session, manifest: Manifest, wanted: _Wanted, folder: ExportFolder) -> FileState:
    settings = session.settings
    request = replace(
        session.get(wanted.url, accept=NDJSON),
        max_bytes=settings.max_file_bytes,
        timeout_s=settings.file_timeout_s,
        anonymous=not manifest.needs_token,
    )
    with Landing(folder.part(wanted.name)) as landing:
        answer = session.once(request, landing.write)
        if answer.status != 200:
            raise _refused(session, answer)
        if "html" in answer.headers.get("content-type", ""):
            raise FatalError(f"{answer.label}: a page of HTML came, where a file of the export was due")
        lines = landing.settle()
    if lines is None:
        raise TransientError(f"{answer.label}: {wanted.name} was cut in its last line")
    if wanted.file.count is not None and lines < wanted.file.count:
        short = f"{answer.label}: {wanted.name} has {lines} of the {wanted.file.count} resources of the manifest"
        if settings.on_shortfall == "fail":
            raise TransientError(short)
        log.warning("%s", short)
    log.info("export: %s, %d bytes, %d lines", wanted.name, landing.size, lines)
    return FileState(
        kind=wanted.file.kind, resource_type=wanted.file.resource_type, url=wanted.place, size=landing.size, lines=lines
    )


def _refused(session: Session, answer: FhirAnswer) -> Exception:
    if answer.status in (401, 403) and session.transport.trusts(answer.url):
        return FatalError(f"{answer.complaint}: the server refuses a file of its export")
    # A signed URL lives for some time only; the next manifest has a new one.
    return TransientError(f"{answer.complaint}: a file of the export is not to be had, look at the export again")
