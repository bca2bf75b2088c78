"""The benchmark's mapping by hand does what the contract says: else the plan would be measured against less work."""

from __future__ import annotations

from typing import Any

import pytest

from include.engine.errors import RecordRejected
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.tables import target_of
from include.warehouse.fit import Fitter
from tests.benchmarks.lending_by_hand.mapping import map_by_hand
from tests.benchmarks.xml_contract import FIRST_KEY, SEED, SIZES_BYTES, Bench, exactly
from tests.benchmarks.xml_contract_documents import lending_file
from tests.include.pipelines.xml.mapping.test_fixture import (
    FOLDER,
    contract,
    expectation,
    mapped,
    with_reject,
    with_rows,
)


def parsed(stem: str) -> Any:
    return DocumentParser(ParseLimits()).parse((FOLDER / "lending_full" / f"{stem}.xml").read_bytes())


@pytest.mark.parametrize("stem", with_rows())
def test_by_hand_a_document_gives_the_rows_and_warnings_of_the_plan(stem: str) -> None:
    assert exactly(map_by_hand(parsed(stem), expectation(stem)["key"])) == exactly(mapped(stem))


@pytest.mark.parametrize("stem", with_reject())
def test_by_hand_a_document_is_rejected_for_what_the_plan_rejects_it_for(stem: str) -> None:
    fit = Fitter(target_of(contract()), "sqlite")
    with pytest.raises(RecordRejected) as raised:
        fit(map_by_hand(parsed(stem), expectation(stem)["key"]), expectation(stem)["key"])
    assert raised.value.code == expectation(stem)["reject"]["code"]


@pytest.mark.parametrize("size", SIZES_BYTES)
def test_a_generated_document_has_its_size_and_gives_equal_rows_by_hand(size: int) -> None:
    bench = Bench()
    for key in range(FIRST_KEY, FIRST_KEY + 3):
        document = lending_file(key, SEED, size)
        assert abs(len(document) - size) <= size / 8
        assert bench.check(document, key)["app_contact"]


def test_generated_documents_differ_by_key_and_by_nothing_else() -> None:
    documents = {lending_file(key, SEED, 4_000) for key in range(FIRST_KEY, FIRST_KEY + 20)}
    assert len(documents) == 20
    assert lending_file(FIRST_KEY, SEED, 4_000) in documents
