from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from include.pipelines.xml.check.sample import Sample, SampleReader
from include.pipelines.xml.document.parser import ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.tables import target_of
from tests.include.pipelines.xml.check.check_files import write_document
from tests.include.pipelines.xml.document.test_parser import HOSTILE

Try = Callable[..., Sample]


@pytest.fixture
def tried(contract_of: Callable[..., Contract], tmp_path: Path) -> Try:
    """A document against the tables, as `contract_of` takes them."""

    def read(document: str | bytes, *tables: dict[str, object], **more: object) -> Sample:
        contract = contract_of(*tables, **more)
        return SampleReader(contract, target_of(contract)).read(write_document(tmp_path, document))

    return read


BASE = {"name": "base", "columns": [("a", "A", "string(3)"), ("n", "N", "tinyint"), ("b", "A/@b", "bit")]}


def test_a_sample_gives_what_a_run_would_write_and_says_what_stayed_empty(tried: Try) -> None:
    sample = tried('<Doc><A b="1">abc</A></Doc>', BASE)
    assert sample.rows == {"base": [(1, "abc", None, True)]}
    assert sample.reject is None
    assert sample.empty == ("base.n",)


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ("<Doc><A>abc</A><N>x</N></Doc>", "xml.value", "base.n (N): is no whole number"),
        ("<Doc><A>a</A><A>b</A></Doc>", "xml.repeated", "base.a (A): the path finds several values"),
        # What the tables refuse is rejected here too, and named by its path.
        ("<Doc><A>abcd</A></Doc>", "fit.too_long", "base.a (A) takes 3 UTF-16 units, got 4"),
        ("<Doc><N>256</N></Doc>", "fit.out_of_range", "base.n (N) takes 0 to 255"),
        ("<Other/>", "xml.root", "the document element is not Doc"),
    ],
)
def test_a_sample_that_a_run_would_reject_names_field_and_path_and_no_value(
    tried: Try, document: str, code: str, message: str
) -> None:
    sample = tried(document, BASE)
    assert sample.rows is None
    assert sample.reject is not None
    assert sample.reject.code == code
    assert sample.reject.message.startswith(message)
    assert sample.empty == ()


@pytest.mark.parametrize(
    ("key", "document", "found"),
    [
        ({"type": "bigint", "path": "@id"}, '<Doc id=" 17 "/>', 17),
        (
            {"type": "string(9)", "path": "Head/m:No"},
            '<Doc xmlns:m="urn:m"><Head/><Head><m:No>A-1</m:No></Head></Doc>',
            "A-1",
        ),
        ({"type": "bigint"}, "<Doc/>", 1),
        ({"type": "string(9)"}, "<Doc/>", "1"),
    ],
)
def test_the_records_key_is_the_documents_or_made_up(
    tried: Try, key: dict[str, str], document: str, found: object
) -> None:
    sample = tried(document, {"name": "base", "columns": []}, key={"column": "id", **key}, namespaces={"m": "urn:m"})
    assert sample.key == found
    assert sample.rows == {"base": [(found,)]}


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ("<Doc/>", "xml.key", "id (@id) has no value"),
        ('<Doc id=" "/>', "xml.key", "id (@id) has no value"),
        ('<Doc id="x"/>', "xml.value", "id (@id): is no whole number"),
        ('<Doc id="99999999999"/>', "fit.out_of_range", "base.id (@id) takes"),
    ],
)
def test_a_key_that_the_contract_cannot_take_is_a_reject(tried: Try, document: str, code: str, message: str) -> None:
    sample = tried(document, {"name": "base", "columns": []}, key={"column": "id", "type": "int", "path": "@id"})
    assert sample.reject is not None
    assert sample.reject.code == code
    assert sample.reject.message.startswith(message)


def test_what_is_not_read_is_told_of_rejected_documents_too_but_not_of_foreign_ones(tried: Try) -> None:
    assert len(tried("<Doc><N>x</N><More>y</More></Doc>", BASE).unmapped) == 1
    assert tried("<Other><More>y</More></Other>", BASE).unmapped == ()
    assert tried("<Doc><More>y</More>", BASE).unmapped == ()


FILES = [(name, document, code) for name, document, code in HOSTILE if document is not None]


@pytest.mark.parametrize(("document", "code"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_hostile_document_is_a_reject_with_its_class(tried: Try, document: str | bytes, code: str) -> None:
    sample = tried(document, BASE)
    assert sample.reject is not None
    assert sample.reject.code == code
    assert sample.unmapped == ()


def test_a_deep_and_a_wide_document_are_read_to_their_ends(tried: Try) -> None:
    deep = tried("<Doc>" + "<a>" * 255 + "x" + "</a>" * 255 + "</Doc>", BASE)
    assert [part.count for part in deep.unmapped] == [1]
    wide = tried("<Doc " + " ".join(f'b{number}="1"' for number in range(5_000)) + "/>", BASE)
    assert len(wide.unmapped) == 5_000


def test_a_file_larger_than_any_document_may_be_is_a_reject_and_not_read_to_its_end(
    contract_of: Callable[..., Contract], tmp_path: Path
) -> None:
    file = tmp_path / "huge.xml"
    with file.open("wb") as sparse:
        sparse.truncate(1024**4)  # a terabyte, of which the file system keeps nothing
    contract = contract_of(BASE)
    sample = SampleReader(contract, target_of(contract), ParseLimits(max_document_bytes=1024)).read(file)
    assert sample.reject is not None
    assert sample.reject.code == "xml.too_large"
