from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from include.engine.errors import RecordRejected
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import find_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.sandbox.lending import FIRST_KEY, lending_document, lending_documents, write_sample
from include.sandbox.lending_faults import FAULTS

CODES = {
    "truncated": "xml.not_well_formed",
    "doctype": "xml.doctype",
    "missing_required": "xml.required",
    "bad_date": "xml.value",
    "bad_number": "xml.value",
    "wrong_encoding": "xml.encoding",
    "wrong_root": "xml.root",
    "wrong_key": "xml.key",
    "not_xml": "xml.not_well_formed",
    "empty": "xml.empty",
}


@pytest.mark.parametrize("size", [4_000, 10_000, 30_000, 145_000])
def test_half_of_the_documents_are_smaller_than_asked_for(size: int) -> None:
    sizes = sorted(len(lending_document(FIRST_KEY + number, 3, size)) for number in range(60))
    assert 0.8 * size < sizes[30] < 1.2 * size
    assert sizes[0] < 0.95 * size
    assert sizes[-1] > 1.05 * size


@pytest.mark.parametrize("size", [4_000, 10_000, 30_000])
def test_the_broken_documents_are_rejected_with_their_class_and_no_others_are(size: int) -> None:
    plan, parser = compile_contract(find_contract("lending")), DocumentParser(ParseLimits())
    found: Counter[str | None] = Counter()
    for document in lending_documents(100, seed=5, size_bytes=size, broken_share=0.2):
        found[document.fault] += 1
        if document.fault is None:
            rows = plan.rows(parser.parse(document.xml), document.key)
            assert len(rows["app_base"]) == 1
            assert rows["app_address"]
            continue
        with pytest.raises(RecordRejected) as raised:
            plan.rows(parser.parse(document.xml), document.key)
        assert raised.value.code == CODES[document.fault]
    assert found == {None: 80, **dict.fromkeys(FAULTS, 2)}


def test_a_full_document_fills_nearly_all_of_the_contract() -> None:
    plan, parser = compile_contract(find_contract("lending")), DocumentParser(ParseLimits())
    rows = plan.rows(parser.parse(lending_document(FIRST_KEY, size_bytes=30_000)), FIRST_KEY)
    assert {name: len(found) for name, found in rows.items()}.keys() == {
        "app_base", "app_contact", "app_address", "app_employment", "app_collateral", "app_liability",
    }  # fmt: skip
    assert 9 <= sum(map(len, rows.values())) <= 13
    values = [value for found in rows.values() for row in found for value in row]
    assert sum(value is not None for value in values) > 0.85 * len(values)


def test_the_same_seed_gives_the_same_documents_whatever_their_number() -> None:
    few = [document.xml for document in lending_documents(5, seed=9)]
    assert few == [document.xml for document in lending_documents(9, seed=9)][:5]
    assert few != [document.xml for document in lending_documents(5, seed=10)]


def test_a_sample_is_written_whole_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    write_sample(path, 10)
    sample = write_sample(path, 450, size_bytes=4_000, broken_share=0.1)
    assert (sample.documents, sample.broken) == (450, 45)
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT count(*), min(app_id), min(changed_at), max(changed_at) FROM app_xml")
        assert found == (450, FIRST_KEY, "2025-01-01 00:00:00.000000", "2025-01-01 07:29:00.000000")
