from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.loopback import loopback
from tests.include.pipelines.fhir.client.export.bulk_server import BulkServer


@pytest.fixture
def bulk() -> Iterator[BulkServer]:
    handle = BulkServer()
    with loopback(handle) as server:
        handle.server = server
        yield handle
