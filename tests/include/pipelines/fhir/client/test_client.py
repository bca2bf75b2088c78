"""Against a real FHIR server, alone and behind a proxy that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from include.engine.errors import FatalError, RecordRejected
from include.pipelines.fhir.client.client import FHIRClient
from include.pipelines.fhir.client.search import Search
from include.warehouse.window import Window
from tests.fixtures.clocks import QuickClock
from tests.fixtures.fhir_faults import (
    Fault,
    busy,
    busy_until,
    closed,
    cut,
    cut_quietly,
    fault_proxy,
    reset,
    stuck_next,
)
from tests.fixtures.loopback import outcome
from tests.include.pipelines.fhir.client.conftest import PATIENTS, Serve

Connect = Callable[..., FHIRClient]
ALL_IDS = {f"p{number:05d}" for number in range(PATIENTS)}
EVERYONE = Search(resource_type="Patient", page_size=100)


def found(client: FHIRClient, search: Search = EVERYONE) -> list[str]:
    return [entry.resource["id"] for entry in client.search_all(search) if entry.mode == "match"]


def test_a_search_brings_every_patient_once(real_server: str, connect: Connect) -> None:
    assert Counter(found(connect(real_server))) == Counter(ALL_IDS)


def test_a_page_is_fetched_only_when_its_first_entry_is_asked_for(real_server: str, connect: Connect) -> None:
    with fault_proxy(real_server) as proxy:
        stream = connect(proxy.base).search_all(EVERYONE)
        assert proxy.server is not None
        assert proxy.server.received == []
        for _ in range(100):
            next(stream)
        assert len(proxy.server.received) == 1
        next(stream)
        assert len(proxy.server.received) == 2


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((busy(429, "7"), None, busy(429)), id="429"),
        pytest.param((None, busy_until(7), busy_until(7, 503)), id="retry after an HTTP date"),
        pytest.param((None, busy(503, "3"), busy(503), None, busy(500), None, busy(502), busy(504)), id="5xx"),
        pytest.param((reset, reset, None, None, closed, closed), id="reset"),
        pytest.param((None, cut, cut_quietly, None, cut_quietly), id="truncated"),
        pytest.param((None, stuck_next, stuck_next, None, stuck_next), id="stuck next"),
        pytest.param((busy(429, "1"), reset, None, cut, busy_until(2), None, stuck_next, closed), id="all together"),
    ],
)
def test_through_faults_999_of_999_patients_arrive_once(
    real_server: str, connect: Connect, faults: tuple[Fault | None, ...]
) -> None:
    with fault_proxy(real_server) as proxy:
        proxy.fail(*faults)
        assert Counter(found(connect(proxy.base))) == Counter(ALL_IDS)
        assert proxy.all_failed


def test_waits_are_as_the_server_asks_and_else_grow_from_2_to_10_seconds(
    real_server: str, connect: Connect, clock: QuickClock
) -> None:
    with fault_proxy(real_server) as proxy:
        proxy.fail(busy(429, "7"), busy(503), busy_until(30), busy(429, "9999"))
        connect(proxy.base, tries=9).search(EVERYONE)
    asked, own, until, capped = clock.slept
    assert 7 <= asked <= 8
    assert 2 <= own <= 8
    assert 28 <= until <= 31
    assert capped == 120


def test_a_page_that_leads_to_itself_for_good_is_an_error(real_server: str, connect: Connect) -> None:
    with fault_proxy(real_server) as proxy:
        proxy.fail(None, *[stuck_next] * 9)
        with pytest.raises(FatalError, match="goes in a circle"):
            found(connect(proxy.base))


def test_many_threads_share_one_client(real_server: str, connect: Connect) -> None:
    client = connect(real_server, pool_size=4)
    with ThreadPoolExecutor(16) as threads:
        read = list(threads.map(lambda name: client.read("Patient", name)["id"], sorted(ALL_IDS)[:200]))
    assert read == sorted(ALL_IDS)[:200]


def test_includes_come_apart_from_matches_and_once(real_server: str, connect: Connect) -> None:
    search = Search(resource_type="Patient", params=[("_include", "Patient:organization")], page_size=50)
    modes = Counter((entry.mode, entry.resource["resourceType"]) for entry in connect(real_server).search_all(search))
    assert modes == {("match", "Patient"): PATIENTS, ("include", "Organization"): 1}


def test_what_the_server_says_about_a_search_is_logged_by_code_and_once(
    real_server: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    search = Search(resource_type="Patient", params=[("shoesize", "Zyxwvut")], page_size=400)
    assert len(found(connect(real_server, handling="lenient"), search)) == PATIENTS
    said = [record.getMessage() for record in caplog.records if "the server says" in record.getMessage()]
    assert said == ["search of Patient: the server says warning/not-supported"]
    assert "Zyxwvut" not in caplog.text


def test_a_parameter_that_the_server_does_not_know_is_an_error_by_default(real_server: str, connect: Connect) -> None:
    search = Search(resource_type="Patient", params=[("shoesize", "44")])
    with pytest.raises(FatalError, match=r"Patient\?shoesize,_count: 400 \(error/not-supported\)"):
        found(connect(real_server), search)


def test_count_asks_without_reading(real_server: str, connect: Connect) -> None:
    client = connect(real_server)
    assert client.count(Search(resource_type="Patient")) == PATIENTS
    assert client.count(Search(resource_type="Patient", params=[("gender", "male")])) == 500


def test_elements_leave_out_the_rest(real_server: str, connect: Connect) -> None:
    page = connect(real_server).search(Search(resource_type="Patient", elements=["gender"], page_size=3))
    assert [set(entry.resource) for entry in page.entries] == [{"resourceType", "id", "meta", "gender"}] * 3
    assert page.total == PATIENTS
    assert page.server_time is not None


def test_windows_that_meet_bring_everything_once(real_server: str, connect: Connect) -> None:
    client = connect(real_server)
    last = [entry.resource["meta"]["lastUpdated"] for entry in client.search_all(EVERYONE)]
    middle = datetime.fromisoformat(sorted(last)[len(last) // 2])
    early = Window(middle - timedelta(days=1), middle)
    late = Window(middle, datetime.now(UTC) + timedelta(days=1))
    parts = [found(client, Search(resource_type="Patient", changed=window)) for window in (early, late)]
    assert Counter(parts[0] + parts[1]) == Counter(ALL_IDS)
    assert all(parts)


def someone(value: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": value}]}


def stored(base: str, value: str) -> int:
    answer = httpx2.get(f"{base}/Patient", params={"identifier": f"urn:oid:1.2.3|{value}"})
    return int(answer.json()["total"])


def test_create_read_delete(own_server: str, connect: Connect) -> None:
    client = connect(own_server)
    made = client.create({"resourceType": "Patient", "gender": "other"})
    assert (made.version, made.existed) == ("1", False)
    assert made.resource_id is not None
    assert client.read("Patient", made.resource_id)["gender"] == "other"
    assert client.delete("Patient", made.resource_id)
    with pytest.raises(RecordRejected) as deleted:
        client.read("Patient", made.resource_id)
    assert deleted.value.code == "fhir.deleted"
    with pytest.raises(RecordRejected) as unknown:
        client.read("Patient", "nobody")
    assert unknown.value.code == "fhir.not_found"
    assert unknown.value.message == "GET /fhir/Patient/nobody: 404 (error/not-found)"


def test_a_conditional_create_whose_answer_was_lost_creates_one(own_server: str, connect: Connect) -> None:
    criteria = "identifier=urn:oid:1.2.3|conditional"
    with fault_proxy(own_server) as proxy:
        proxy.fail(reset)
        client = connect(proxy.base)
        made = client.create(someone("conditional"), if_none_exist=criteria)
        again = client.create(someone("conditional"), if_none_exist=criteria)
    assert made.existed
    assert made.resource_id == again.resource_id
    assert stored(own_server, "conditional") == 1


@pytest.mark.parametrize(
    ("name", "fault"), [("reset", reset), ("closed", closed), ("503", busy(503)), ("500", busy(500))]
)
def test_a_create_without_a_condition_is_never_sent_again_blindly(
    own_server: str, connect: Connect, name: str, fault: Fault
) -> None:
    with fault_proxy(own_server) as proxy:
        proxy.fail(fault)
        with pytest.raises(RecordRejected) as uncertain:
            connect(proxy.base).create(someone(name))
        assert uncertain.value.code == "fhir.create_uncertain"
        assert proxy.server is not None
        assert len(proxy.server.received) == 1
    assert stored(own_server, name) == 1


def test_a_create_that_was_turned_away_is_sent_again(serve: Serve, own_server: str, connect: Connect) -> None:
    with fault_proxy(own_server) as proxy:
        answers = iter([outcome(429, code="throttled", Retry_After="1")])
        door = serve(lambda request: next(answers, None) or proxy(request))
        made = connect(door.base).create(someone("turned away"))
    assert not made.existed
    assert len(door.received) == 2
    assert stored(own_server, "turned away") == 1
