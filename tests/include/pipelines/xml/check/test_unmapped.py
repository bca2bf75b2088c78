from __future__ import annotations

from collections.abc import Callable
from typing import Any

from include.pipelines.xml.check.unmapped import reading_of, unmapped_parts
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract

PARSER = DocumentParser(ParseLimits())


def unmapped(contract: Contract, document: str) -> list[tuple[str, int]]:
    parts = unmapped_parts(PARSER.parse(document), reading_of(contract))
    return [(part.path(contract.namespaces), part.count) for part in parts]


def test_texts_that_nothing_reads_are_counted_by_path_in_document_order(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of({"name": "base", "columns": [("a", "A"), ("b", "B/@b")]})
    document = """<Doc no="1">loose <A>read</A><C x="2">3</C><B b="read" y="4">5</B>
      <C x="6"/> end <C> </C><D><E>7</E><E/><E>8</E></D></Doc>"""
    assert unmapped(contract, document) == [
        ("@no", 1), (".", 1), ("C/@x", 2), ("C", 1), ("B/@y", 1), ("B", 1), ("D/E", 2),
    ]  # fmt: skip


def test_white_space_and_empty_attributes_are_no_text(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of({"name": "base", "columns": [("a", "A")]})
    assert unmapped(contract, '<Doc x="" y=" "><B> <C/>\n</B><D></D></Doc>') == []
    assert unmapped(contract, "<Doc><B>\u00a0</B></Doc>") == [("B", 1)]


def test_all_that_a_contract_looks_at_is_read(contract_of: Callable[..., Contract]) -> None:
    tables: list[dict[str, Any]] = [
        {
            "name": "base",
            "selections": {
                "main": {"path": "People/Person", "where": [{"path": "@role", "in": ["main"]}]},
                "home": {"from": "main", "path": "Home", "where": [{"path": "@now", "present": True}]},
            },
            "columns": [
                ("city", "City", "string(9)", {"from": "home"}),
                {"name": "always", "type": "int", "constant": 1},
            ],
            "fields": [("hidden", "Hidden/@it")],
        },
        {
            "name": "job",
            "parent": "base",
            "rows": "Jobs/Job",
            "row_number": "job_no",
            "where": [{"path": "Kind/@type", "in": ["full"]}],
            "columns": [("employer", "Employer"), ("own", ".")],
        },
        {
            "name": "score",
            "row_number": "score_no",
            "items": [{"name": "x", "path": "Scores/X"}, {"name": "y", "path": "Scores/@y"}],
            "columns": [{"name": "score", "type": "string(9)", "take": "item_value"}],
        },
        {
            "name": "collateral",
            "primary_key": ["doc_id", "no"],
            "groups": ["1", {"name": "2", "element": "Two"}],
            "selections": {"of": {"path": "Of{group}", "where": [{"path": "State{group}", "present": True}]}},
            "columns": [
                {"name": "no", "type": "tinyint", "take": "group_name"},
                ("kind", "Kind{group}"),
                ("rate", "Rate", "int", {"from": "of"}),
            ],
        },
    ]
    contract = contract_of(*tables, key={"column": "doc_id", "type": "bigint", "path": "Head/Id"})
    document = """<Doc><Head><Id>1</Id></Head>
      <People><Person role="co"><Home now="1"><City>a</City></Home></Person></People><Hidden it="b"/>
      <Jobs><Job>c<Kind type="part">unread</Kind><Employer>d</Employer></Job></Jobs>
      <Scores y="e"><X>f</X></Scores><Kind1>g</Kind1><KindTwo>h</KindTwo><Kind2>unread</Kind2>
      <Of1><State1>i</State1><Rate>j</Rate></Of1><OfTwo><StateTwo>k</StateTwo><State1>unread</State1></OfTwo></Doc>"""
    assert unmapped(contract, document) == [("Jobs/Job/Kind", 1), ("Kind2", 1), ("OfTwo/State1", 1)]


def test_paths_are_spelled_with_the_contracts_prefixes(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(
        {"name": "base", "columns": [("a", "A"), ("b", "m:B/@m:b")]},
        namespaces={"": "urn:d", "m": "urn:m"},
    )
    document = """<Doc xmlns="urn:d" xmlns:x="urn:m" xmlns:y="urn:y" xmlns:d="urn:d">
      <x:A>1</x:A><x:B b="2" x:b="read" y:b="3" d:b="4"/><y:A>5</y:A><A xmlns="">6</A><d:A>read</d:A><C>7</C></Doc>"""
    assert unmapped(contract, document) == [
        ("m:A", 1), ("m:B/@b", 1), ("m:B/@{urn:y}b", 1), ("m:B/@{urn:d}b", 1), ("{urn:y}A", 1), ("{}A", 1), ("C", 1),
    ]  # fmt: skip


def test_a_document_of_many_names_at_many_levels_takes_no_more_than_one_part_each(
    contract_of: Callable[..., Contract],
) -> None:
    contract = contract_of({"name": "base", "columns": [("a", "A")]})
    levels, names = 250, 2_000
    inner = "".join(f"<n{number}>x</n{number}>" for number in range(names))
    document = "<Doc>" + "<deep>" * levels + inner + "</deep>" * levels + "</Doc>"
    parts = unmapped_parts(PARSER.parse(document), reading_of(contract))
    assert len(parts) == names
    assert parts[-1].path({}) == "deep/" * levels + f"n{names - 1}"
    assert parts[0].above is parts[-1].above
