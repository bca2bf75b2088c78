from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.pipelines.xml.check.report import MAX_UNMAPPED, MAX_WIDTH, described_sample, described_together
from include.pipelines.xml.check.sample import Sample, SampleReader
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.tables import target_of
from tests.include.pipelines.xml.check.check_files import write_document

Report = Callable[..., list[str]]


@pytest.fixture
def report(contract_of: Callable[..., Contract], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Of documents a.xml, b.xml, … in one folder, which is the current one."""
    monkeypatch.chdir(tmp_path)

    def make(documents: list[str], *tables: dict[str, Any], **more: Any) -> list[str]:
        contract = contract_of(*tables, **more)
        target = target_of(contract)
        reader = SampleReader(contract, target)
        samples: list[Sample] = []
        for name, document in zip("abc", documents, strict=False):
            write_document(tmp_path, document, f"{name}.xml")
            samples.append(reader.read(Path(f"{name}.xml")))
        lines = [line for sample in samples for line in described_sample(sample, contract, target)]
        return [*lines, *described_together(samples)]

    return make


BASE = {
    "name": "base",
    "columns": [
        ("purpose", "Purpose", "string(3)", {"too_long": "truncate"}),
        ("born_on", "Born", "date", {"unparsable": "null"}),
        ("gender", "Gender", "string(1)", {"steps": [{"lookup": {"f": "F"}, "otherwise": "null"}]}),
        ("city", "City"),
    ],
}
CHILD = {"name": "child", "parent": "base", "rows": "Child", "row_number": "no", "columns": [("name", ".")]}


def test_rows_warnings_empty_columns_and_unread_texts_of_a_sample(report: Report) -> None:
    document = """<Doc extra="1"><Purpose>a car</Purpose><Born>?</Born><Gender>x</Gender><City> </City>
      <Child>Ann</Child><Child/><Child>Bo</Child><Note>secret</Note><Note>two</Note></Doc>"""
    assert report([document], BASE, CHILD) == [
        "Sample a.xml: 4 rows, doc_id 1 (made up: the contract has no key.path)",
        "  base: 1 row",
        "    doc_id  purpose  born_on  gender  city",
        '    1       "a c"    null     null    null',
        "  child: 3 rows",
        "    doc_id  no  name",
        '    1       1   "Ann"',
        "    1       2   null",
        '    1       3   "Bo"',
        "  3 warnings:",
        "    truncated base.purpose   1",
        "    unknown base.gender      1",
        "    unparsable base.born_on  1",
        "  3 columns with a path stayed empty:",
        "    base: born_on, gender, city",
        "  2 paths with text that the contract does not read, and how often:",
        "    @extra  1",
        "    Note    2",
    ]


def test_a_reject_is_told_with_its_code_field_and_path_and_never_its_value(report: Report) -> None:
    base = {"name": "base", "columns": [("amount", "Loan/Amount", "decimal(8,2)")]}
    lines = report(["<Doc><Loan><Amount>hundred</Amount></Loan><More>x</More></Doc>"], base)
    assert lines[0] == "Sample a.xml: rejected"
    assert lines[1].startswith("  xml.value: base.amount (Loan/Amount): is no decimal number")
    assert lines[2:] == ["  1 path with text that the contract does not read, and how often:", "    More  1"]
    assert "hundred" not in "".join(lines)


def test_a_sample_that_nothing_is_to_be_said_of_says_so(report: Report) -> None:
    more = {"key": {"column": "doc_id", "type": "bigint", "path": "@id"}}
    assert report(['<Doc id="7"><A>x</A></Doc>'], {"name": "base", "columns": [("a", "A")]}, **more) == [
        "Sample a.xml: 1 row, doc_id 7",
        "  base: 1 row",
        "    doc_id  a",
        '    7       "x"',
        "  no warnings",
        "  no column with a path stayed empty",
        "  no text that the contract does not read",
    ]


def test_a_document_without_rows_is_no_reject(report: Report) -> None:
    lines = report(["<Doc/>"], {**CHILD, "parent": None})
    assert lines[0].startswith("Sample a.xml: 0 rows")
    assert lines[2:4] == ["  1 column with a path stayed empty:", "    child: no rows, so all 1"]


def test_rows_too_wide_for_a_line_stand_a_column_a_line(report: Report) -> None:
    names = [f"column_{number:02}" for number in range(20)]
    columns = [(name, name) for name in names]
    table = {"name": "wide", "rows": "Row", "row_number": "no", "columns": columns}
    lines = report(["<Doc><Row><column_01>x</column_01></Row><Row/></Doc>"], table)
    assert lines[2:6] == ["    row 1", "      doc_id     1", "      no         1", "      column_00  null"]
    assert lines[6] == '      column_01  "x"'
    assert lines[25] == "    row 2"
    assert max(map(len, lines)) <= MAX_WIDTH


def test_of_many_unread_paths_the_first_are_shown_and_the_others_counted(report: Report) -> None:
    parts = "".join(f"<n{number}>x</n{number}>" for number in range(MAX_UNMAPPED + 3))
    lines = report([f"<Doc>{parts}</Doc>"], {"name": "base", "columns": []})
    assert lines[-2:] == [f"    n{MAX_UNMAPPED - 1}  1", "    … and 3 more"]
    assert f"  {MAX_UNMAPPED + 3} paths with text" in "\n".join(lines)
    assert "more" not in report([f"<Doc>{'<a>x</a>' * 60}</Doc>"], {"name": "base", "columns": []})[-1]


def test_what_is_empty_in_all_samples_is_told_once_more_where_there_are_several(report: Report) -> None:
    documents = ["<Doc><City>x</City></Doc>", "<Doc><Purpose>x</Purpose><Child/></Doc>", "<Other/>"]
    assert report(documents, BASE, CHILD)[-5:] == [
        "",
        "In all 2 samples that were not rejected:",
        "  3 columns with a path stayed empty:",
        "    base: born_on, gender",
        "    child: name",
    ]
    assert "In all" not in "\n".join(report(documents[1:], BASE, CHILD))
    assert "In all" not in "\n".join(report(documents[2:], BASE, CHILD))


def test_a_document_cannot_send_its_own_commands_to_the_terminal(report: Report) -> None:
    document = "<Doc><City>\u009b31m</City><E\u200dvil>y</E\u200dvil></Doc>"
    text = "\n".join(report([document], BASE))
    assert text.replace("\n", "").isprintable()
    assert '"\\u009b31m"' in text
    assert "E\\u200dvil  1" in text
