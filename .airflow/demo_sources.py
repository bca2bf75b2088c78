"""What each Dag of the demo reads: generated, or served on loopback while its run lasts."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from demo_output import HOME, output_to_log, say

from include.sandbox.documents import write_documents
from include.sandbox.fhir_people import clinic
from include.sandbox.fhir_server import fhir_server, load
from include.sandbox.lending import write_sample
from include.sandbox.web_apis import API_KEY, WebApis
from include.sandbox.web_apis_behaviour import Behaviour

BROKEN_SHARE = 0.02
APPLICATIONS, APPLICATION_BYTES = 2_000, 10_000
PATIENTS = 500
DOCUMENTS, BROKEN_DOCUMENTS = 40, 2
LEADS, COMPANIES, BROKEN_LEADS = 200, 80, 2


@contextmanager
def loan_applications() -> Iterator[Mapping[str, Any]]:
    """A table of XML documents."""
    source = Path(json.loads(os.environ["AIRFLOW_CONN_HEADRACE_SOURCE"])["host"])
    say(f"Generating {APPLICATIONS:,} loan applications into {source}")
    sample = write_sample(source, APPLICATIONS, size_bytes=APPLICATION_BYTES, broken_share=BROKEN_SHARE)
    say(f"  {sample.documents:,} documents, {sample.total_bytes / 1e6:.1f} MB, {sample.broken} broken on purpose")
    # The generated change dates; without them the run would read yesterday only.
    yield {"batch_size": 250, "window_start": "2025-01-01T00:00:00Z", "window_end": "2025-02-01T00:00:00Z"}


@contextmanager
def patients() -> Iterator[Mapping[str, Any]]:
    """A FHIR server with patients and their observations."""
    home = HOME / "fhir"
    shutil.rmtree(home, ignore_errors=True)
    say(f"Starting a FHIR server in {home}")
    resources = list(clinic(PATIENTS, broken_share=BROKEN_SHARE))
    with ExitStack() as stack:
        with output_to_log():  # the HTTP library logs each request
            base = stack.enter_context(fhir_server(home))
            load(base, resources)
        broken = round(PATIENTS * BROKEN_SHARE)
        say(f"  {len(resources):,} generated resources at {base}, {broken} broken on purpose")
        os.environ["AIRFLOW_CONN_HEADRACE_FHIR"] = json.dumps({"conn_type": "http", "host": base})
        yield {"batch_size": 500}


@contextmanager
def documents() -> Iterator[Mapping[str, Any]]:
    """A folder of PDF documents, one of them scanned."""
    folder, work_folder = HOME / "documents", HOME / "work"
    say(f"Generating {DOCUMENTS} PDF documents into {folder}")
    written = write_documents(folder, DOCUMENTS, broken=BROKEN_DOCUMENTS)
    say(f"  {written.pages} pages, {written.scanned} of them scanned, {written.broken} documents broken on purpose")
    work_folder.mkdir(exist_ok=True)
    settings = {"roots": [str(folder)], "work_folder": str(work_folder)}
    os.environ["AIRFLOW_VAR_HEADRACE_PDF_TEXT"] = json.dumps(settings)
    yield {"batch_size": 20, "workers": 2}


@contextmanager
def leads() -> Iterator[Mapping[str, Any]]:
    """A CSV file of people at companies, and both web APIs that enrich it."""
    inbox, output = HOME / "inbox", HOME / "enriched"
    for folder in (inbox, output):
        folder.mkdir(exist_ok=True)
    say(f"Generating {LEADS} rows into {inbox / 'leads.csv'}")
    with (inbox / "leads.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Company", "Website", "First name"])
        for number in range(LEADS):
            company = number % COMPANIES
            named = [f"Company {company}", f"company-{company}.example"]
            rows.writerow([*(named if number >= BROKEN_LEADS else ["", ""]), f"Person {number}"])
    settings = {"roots": [str(inbox)], "output_folder": str(output)}
    os.environ["AIRFLOW_VAR_HEADRACE_CSV_ENRICHMENT"] = json.dumps(settings)
    with WebApis(Behaviour(latency_s=0.2, spread=0.5), Behaviour(latency_s=0.4, spread=0.5)) as apis:
        say(f"  both web APIs at {apis.origin}; {BROKEN_LEADS} rows name no company on purpose")
        for name, extra in (("RESEARCH", {}), ("EMAIL", {"model": "sandbox", "structured": "json_schema"})):
            parts = {"conn_type": "http", "host": apis.origin, "password": API_KEY, "extra": extra}
            os.environ[f"AIRFLOW_CONN_HEADRACE_{name}"] = json.dumps(parts)
        yield {"file": "leads.csv"}
        searches, texts = len(apis.log.calls("search")), len(apis.log.calls("model"))
    say(f"  {searches} searches for {LEADS} rows of {COMPANIES} companies, and {texts} texts; the file is in {output}")


SOURCES: Mapping[str, Callable[[], AbstractContextManager[Mapping[str, Any]]]] = {
    "xml_records": loan_applications,
    "fhir_views": patients,
    "pdf_text": documents,
    "csv_enrichment": leads,
}
"""Dag -> what makes its source, lends it for the time of the run, and gives the run's Params."""
