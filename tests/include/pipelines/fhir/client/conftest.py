from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.settings import FhirSettings
from tests.fixtures.clocks import QuickClock
from tests.fixtures.fhir_server import fhir_server, load, patients
from tests.fixtures.loopback import LoopbackServer, Received, Reply, loopback

Serve = Callable[[Callable[[Received], Reply]], LoopbackServer]
Connect = Callable[..., FHIRClient]

PATIENTS = 999


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start loopback servers; they end with the test."""
    with ExitStack() as stack:
        yield lambda handle: stack.enter_context(loopback(handle))


@pytest.fixture
def connect(clock: QuickClock) -> Iterator[Connect]:
    """Clients that wait by the test's clock; they are closed with the test."""
    with ExitStack() as stack:

        def make(base_url: str, **settings: Any) -> FHIRClient:
            return stack.enter_context(FHIRClient(FhirSettings(base_url=base_url, **settings), clock=clock))

        yield make


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real FHIR server with 999 patients, of whom every tenth names an organization; tests do not write to it."""
    with fhir_server(tmp_path_factory.mktemp("fhir") / "server") as base:
        people = patients(PATIENTS)
        for number, patient in enumerate(people):
            if number % 10 == 0:
                patient["managingOrganization"] = {"reference": "Organization/o1"}
        load(base, [{"resourceType": "Organization", "id": "o1"}, *people])
        yield base


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real FHIR server that tests may write to, each under names of its own."""
    with fhir_server(tmp_path_factory.mktemp("fhir") / "server") as base:
        yield base
