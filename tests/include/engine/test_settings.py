from __future__ import annotations

from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.engine.settings import EngineSettings


def test_the_defaults_are_valid_and_those_that_the_page_names() -> None:
    settings = EngineSettings()
    assert (settings.workers, settings.queue_records, settings.queue_bytes) == (4, 1000, 64 * 1024 * 1024)
    assert (settings.insert_batch, settings.max_wait_s, settings.max_tries) == (100, 0.5, 3)


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        EngineSettings(workers=0, insert_batch=-1, max_reject_rate=1.5, worker_kind="fibres")  # type: ignore[arg-type]
    for name in ("workers", "insert_batch", "max_reject_rate", "worker_kind"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", True), ("workers", 2.5), ("queue_records", None), ("max_wait_s", "1"), ("max_wait_s", float("nan"))],
)
def test_a_value_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=name):
        EngineSettings(**{name: value})


@pytest.mark.parametrize("name", ["record_timeout_s", "max_rejects", "max_reject_rate"])
def test_a_bound_may_be_absent(name: str) -> None:
    assert getattr(EngineSettings(**{name: None}), name) is None


def test_fewer_records_in_flight_than_workers_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="in_flight"):
        EngineSettings(workers=8, in_flight=4)


def test_a_batch_has_at_most_500_workers() -> None:
    assert EngineSettings(workers=500, in_flight=500).workers == 500
    with pytest.raises(SettingsError, match="workers is 501, must be 1 to 500"):
        EngineSettings(workers=501, in_flight=1000)
