"""The rows of a view in memory: asked from a server on loopback, and from the cache.

    python -m tests.benchmarks.fhir_in_memory [--patients 1000] [--repetitions 5]

The server answers at once, from pages that are made before the clock starts: with a real one misses take longer, and so
the ratio grows. Hits are timed in rounds of 1,000.
"""

from __future__ import annotations

import argparse
import json
import time

from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.settings import FhirSettings
from include.pipelines.fhir.in_memory import InMemoryRunner
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.sandbox.fhir_people import patient
from tests.benchmarks.figures import machine, median, ratio, table
from tests.fixtures.loopback import Received, Reply, loopback

HITS = 1_000
FHIR = {"Content-Type": "application/fhir+json"}


def pages(count: int) -> list[bytes]:
    """Of 100 patients, each with the link to the next."""
    found = []
    for start in range(0, count, 100):
        entries = [
            {"search": {"mode": "match"}, "resource": patient(number)}
            for number in range(start, min(start + 100, count))
        ]
        more = [{"relation": "next", "url": f"Patient?page={start // 100 + 1}"}] if start + 100 < count else []
        document = {"resourceType": "Bundle", "type": "searchset", "total": count, "link": more, "entry": entries}
        found.append(json.dumps(document).encode())
    return found


def main() -> None:
    """Print a Markdown table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=1_000)
    arguments.add_argument("--repetitions", type=int, default=5)
    options = arguments.parse_args()
    made = pages(options.patients)

    def answer(request: Received) -> Reply:
        return Reply(200, made[int(request.query.get("page", 0))], FHIR)

    view = ViewDefinitionManager()["patient_demographics"]
    found: dict[str, list[float]] = {"miss, asked ahead": [], "miss, one after the other": [], "hit": []}
    with loopback(answer) as server, FHIRClient(FhirSettings(base_url=server.base)) as client:
        ahead, plain = InMemoryRunner(client), InMemoryRunner(client, parallel_processing=False)
        for _ in range(options.repetitions):
            for name, runner in (("miss, asked ahead", ahead), ("miss, one after the other", plain)):
                runner.clear_cache()
                started = time.perf_counter()
                result = runner.execute(view)
                found[name].append(time.perf_counter() - started)
                if len(result.rows) != options.patients:
                    raise SystemExit(f"{len(result.rows)} of {options.patients} rows")
            started = time.perf_counter()
            for _ in range(HITS):
                ahead.execute(view)
            found["hit"].append((time.perf_counter() - started) / HITS)
    rows = [
        (name, f"{median(seconds) * 1e6:,.1f}", f"{ratio(seconds, found['hit']):,.0f}")
        for name, seconds in found.items()
    ]
    print(f"{machine()}, {options.patients:,} patients\n")
    print(table(("execution", "µs", "times a hit"), rows))


if __name__ == "__main__":
    main()
