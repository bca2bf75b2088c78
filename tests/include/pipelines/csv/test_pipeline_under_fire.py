"""Batches against services that turn calls away, break connections and enforce quotas."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from include.pipelines.csv.enrichment import Enrichment
from include.sandbox.web_apis import WebApis
from include.sandbox.web_apis_behaviour import Behaviour
from include.sandbox.web_apis_quotas import Quota
from include.warehouse.connection import Warehouse
from tests.include.pipelines.csv.house import HEADER, CsvHouse, read_rows
from tests.include.pipelines.csv.plainly import plainly

pytestmark = pytest.mark.slow

BATCHES, ROWS, DOMAINS = 6, 100, 450
SEARCHES, MAILS, TOKENS = 120, 100, 60_000
"""In any window, which is a second here."""
FIRE = {"busy_share": 0.05, "reset_share": 0.02, "spread": 0.5}
SECRETS = ("Planted", "planted", "short business e-mail", "short call next week", "founded in")
"""Of rows, prompts and answers."""
LEADS = [
    [f"Planted {n % DOMAINS}", f"planted{n % DOMAINS}.example"] if n % 60 != 7 else ["", ""]
    for n in range(BATCHES * ROWS)
]


def test_under_fire_each_row_is_right_or_has_its_error_and_no_window_sees_more_than_the_quota(
    tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("include.pipelines.csv.quota.settings.MINUTE_S", 1.0)
    search = Behaviour(latency_s=0.1, quotas=(Quota("requests", SEARCHES, 1.0),), **FIRE)
    limits = (Quota("requests", MAILS, 1.0), Quota("tokens", TOKENS, 1.0))
    with WebApis(search, Behaviour(latency_s=0.2, quotas=limits, seed=2, **FIRE)) as apis:
        house = CsvHouse(tmp_path, warehouse, apis.origin)
        house.extras["search"] = {"requests_per_minute": SEARCHES}
        house.extras["model"] = {"model": "small", "requests_per_minute": MAILS, "tokens_per_minute": TOKENS}
        house.settings |= {"tasks_at_once": 2, "workers": 40, "batch_size": ROWS}
        house.write(LEADS)
        batches = house.plan()
        with ThreadPoolExecutor(2) as slots:
            lines = list(slots.map(lambda batch: house.load(batch, run="run", owner=f"task {batch.index}"), batches))
        merged = house.pipeline().merge(batches, range(BATCHES), threading.Event())

    assert merged.failed == {}
    (made,) = house.out.iterdir()
    fields = [dict(zip(("company", "domain"), row, strict=True)) for row in LEADS]
    told = house.pipeline()
    right = plainly(Enrichment(told.settings, house.offers(told.settings)), fields)
    found = read_rows(made)
    assert found == [dict(zip(HEADER, row, strict=True)) | more for row, more in zip(LEADS, right, strict=True)]
    assert sum(line["records_rejected"] for line in lines) == sum(bool(row["error"]) for row in found) == 10

    for service in ("search", "model"):
        calls = apis.log.calls(service)
        assert {"busy", "reset", "late_reset"} <= {call.fault for call in calls}
        assert [call.fault for call in calls if call.status == 429 and call.fault != "busy"] == []
        whole = Counter(call.content for call in calls if call.status == 200)
        assert (len(whole), set(whole.values())) == (len({row[1] for row in LEADS if row[1]}), {1})
    assert apis.log.most_requests("search", 1.0) <= SEARCHES
    assert apis.log.most_requests("model", 1.0) <= MAILS
    assert apis.log.most_tokens("model", 1.0) <= TOKENS
    assert "search.again" in caplog.text
    assert [secret for secret in SECRETS if secret in caplog.text] == []
