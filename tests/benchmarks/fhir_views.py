"""Patients a second on one core, from JSON bytes to rows: our views, fhirpathpy compiled, and parsers of JSON alone.

    HEADRACE_TEST_DATA=../shared python -m tests.benchmarks.fhir_views [--patients 3000] [--repetitions 5]

The patients are the 300 real ones of the test data, cloned under new ids. Each repetition takes all figures one after
the other, over CPU time of this process, so that what slows the machine slows both sides of a ratio. fhirpathpy gets
the same paths, parsed once; what it does not have (`getResourceKey`, `getReferenceKey`, `lowBoundary`, `highBoundary`)
is left out there, so it does less. Without its model of R4 it does less again, and finds no element of several types.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirpathpy
import msgspec
from fhirpathpy.models import models

from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.manager import ViewDefinitionManager
from include.pipelines.fhir.views.resources import read_resource
from tests.benchmarks.figures import machine, median, ratio, table

ABSENT = ("getResourceKey", "getReferenceKey", "lowBoundary", "highBoundary")
"""Functions that fhirpathpy does not have."""

Work = Callable[[bytes], object]


def patients(count: int) -> list[bytes]:
    """Lines of NDJSON."""
    folder = Path(os.environ.get("HEADRACE_TEST_DATA", "../shared"))
    lines = gzip.decompress((folder / "data" / "fhir" / "Patient.ndjson.gz").read_bytes()).splitlines()
    found = []
    for number in range(count):
        line = lines[number % len(lines)]
        own = json.loads(line)["id"].encode()
        found.append(line.replace(own, b"%08x" % number + own[8:]))
    return found


def by_fhirpathpy(view: CompiledView, model: dict[str, Any] | None) -> Work:
    """The same table; selects of this view have one focus at most, so that a row is all of its columns."""
    constants = {constant.name: constant.value for constant in view.definition.constant}
    selects = []
    for select in view.definition.select:
        foci = compiled(select.for_each_or_null, model) if select.for_each_or_null else None
        paths = [column.path for column in select.column if not any(name in column.path for name in ABSENT)]
        selects.append((foci, [compiled(path, model) for path in paths]))

    def work(line: bytes) -> object:
        resource = json.loads(line)
        row: list[Any] = []
        for foci, paths in selects:
            focus = resource if foci is None else next(iter(foci(resource, constants)), {})
            for path in paths:
                values = path(focus, constants)
                row.append(values[0] if values else None)
        return tuple(row)

    return work


def compiled(path: str, model: dict[str, Any] | None) -> Callable[[Any, dict[str, Any]], list[Any]]:
    """Parsed once."""
    function: Callable[[Any, dict[str, Any]], list[Any]] = fhirpathpy.compile(path, model)
    return function


def rate(work: Work, lines: Sequence[bytes]) -> float:
    """Lines a second of CPU."""
    started = time.process_time()
    for line in lines:
        work(line)
    return len(lines) / (time.process_time() - started)


def main() -> None:
    """Print Markdown tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=3000)
    arguments.add_argument("--repetitions", type=int, default=5)
    options = arguments.parse_args()
    lines = patients(options.patients)
    view = ViewDefinitionManager()["patient_demographics"]
    exactly = json.JSONDecoder(parse_float=Decimal).decode
    works: dict[str, tuple[Work, Sequence[bytes]]] = {
        "patient_demographics": (lambda line: view.rows(read_resource(line)), lines),
        "fhirpathpy compiled, fewer columns": (by_fhirpathpy(view, models["r4"]), lines[:300]),
        "the same without its model: no types": (by_fhirpathpy(view, None), lines[:300]),
        "parse: msgspec, numbers as Decimal (ours)": (read_resource, lines),
        "parse: msgspec, numbers as float": (msgspec.json.Decoder().decode, lines),
        "parse: json, numbers as Decimal": (lambda line: exactly(line.decode()), lines),
        "parse: json, numbers as float": (json.loads, lines),
    }
    if view.rows(read_resource(lines[0]))[0][2] == view.rows(read_resource(lines[300 % len(lines)]))[0][2]:
        raise SystemExit("cloned patients share an id")
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.repetitions):
        for name, (work, some) in works.items():
            found[name].append(rate(work, some))
    ours = found["patient_demographics"]
    rows = [
        (name, f"{median(rates):,.0f}", f"{1e6 / median(rates):.1f}", f"{ratio(ours, rates):.1f}")
        for name, rates in found.items()
    ]
    head = ("work", "patients/s a core", "µs a patient", "patient_demographics is faster by")
    print(f"{machine()}\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
