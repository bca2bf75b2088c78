from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.xml.language.files import CONTRACT_FOLDER, find_contract, parse_contract


def column(name: str, type_: str = "string(20)", path: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "path": path or name, **more}


def document(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "contract": "small",
        "version": 1,
        "root": "Doc",
        "key": {"column": "doc_id", "type": "bigint"},
        "tables": list(tables) or [{"name": "base", "columns": [column("a")]}],
        **more,
    }


def faults_of(content: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        parse_contract(json.dumps(content, indent=1))
    return str(raised.value).splitlines()[1:]


def one_column(**more: Any) -> dict[str, Any]:
    return document({"name": "base", "columns": [{**column("a"), **more}]})


CHILD = {"name": "child", "parent": "base", "rows": "C", "row_number": "n", "columns": [column("x")]}
BASE = {"name": "base", "columns": [column("a")]}


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (one_column(type="decimal(2,5)"), "tables[0].columns[0].type", "scale exceeds precision"),
        (one_column(type="decimal(39,5)"), "tables[0].columns[0].type", "precision must be 1 to 38"),
        (one_column(type="decimal(5)"), "tables[0].columns[0].type", "precision and scale"),
        (one_column(type="string(0)"), "tables[0].columns[0].type", "length must be 1 to 4000"),
        (one_column(type="string"), "tables[0].columns[0].type", "give one length"),
        (one_column(type="int(4)"), "tables[0].columns[0].type", "int takes no size"),
        (one_column(type="varchar(9)"), "tables[0].columns[0].type", "no such type"),
        (one_column(type=7), "tables[0].columns[0].type", "text, in quotes"),
        (one_column(path="//a"), "tables[0].columns[0].path", "a path is"),
        (one_column(path="a/../b"), "tables[0].columns[0].path", "a path is"),
        (one_column(path="@a/b"), "tables[0].columns[0].path", "a path is"),
        (one_column(path="/".join("a" * 101)), "tables[0].columns[0].path", "at most 100 steps"),
        (one_column(path="q:a"), "tables[0].columns[0].path", "prefix q is not in namespaces"),
        (one_column(name="two words"), "tables[0].columns[0].name", "letters, digits and _, and begins with no digit"),
        (one_column(requird=True), "tables[0].columns[0].requird", "did you mean required?"),
        (one_column(zzz=True), "tables[0].columns[0].zzz", "there are name, type, path"),
        (one_column(required=True, default="x"), "tables[0].columns[0]", "exclude each other"),
        (one_column(nullable=False), "tables[0].columns[0]", "must be required or have a default"),
        (one_column(type="int", trim=False), "tables[0].columns[0]", "always trimmed"),
        (one_column(type="int", empty="text"), "tables[0].columns[0]", "always trimmed"),
        (one_column(repeated="any"), "tables[0].columns[0].repeated", "'reject', 'first' or 'last'"),
        (one_column(type="tinyint", default=256), "tables[0].columns[0]", "takes 0 to 255"),
        (one_column(type="string(2)", default="abc"), "tables[0].columns[0]", "takes 2 UTF-16 units"),
        (one_column(type="string(2)", default=12), "tables[0].columns[0]", "in quotes"),
        (one_column(type="bit", default=1), "tables[0].columns[0]", "write true or false"),
        (one_column(type="int", default=True), "tables[0].columns[0]", "for bit columns"),
        (one_column(type="int", default=1.5), "tables[0].columns[0]", "is no whole number"),
        (one_column(type="date", default="1.2.2024"), "tables[0].columns[0]", "is no date"),
        (one_column(type="decimal(4,2)", default=1.234), "tables[0].columns[0]", "2 digits after the point"),
        (one_column(default=["x"]), "tables[0].columns[0].default", "text, a number, true or false"),
        (document(BASE, BASE), "tables[1].name", "base is there already: tables[0].name"),
        (document(BASE, {**CHILD, "parent": "bas"}), "tables[1].parent", "no table bas; there are base, child"),
        (document(BASE, {**CHILD, "row_number": None}), "tables[1]", "give it a row_number, or a primary_key"),
        (document(BASE, {**CHILD, "row_number": "X"}), "tables[1].columns[0].name", "is there already"),
        (document(BASE, {**CHILD, "row_number": "DOC_ID"}), "tables[1].row_number", "already: key.column"),
        (document(BASE, {**CHILD, "rows": "C/@x"}), "tables[1].rows", "the path of rows"),
        (document({**BASE, "primary_key": ["b"]}), "tables[0].primary_key[0]", "the table has no column b"),
        (document({**BASE, "primary_key": ["a"]}), "tables[0].primary_key[0]", "must be required or have a default"),
        (
            document({**BASE, "columns": [column("a", required=True, nullable=True)], "primary_key": ["doc_id", "a"]}),
            "tables[0].primary_key[1]",
            "cannot be nullable",
        ),
        (
            document({**BASE, "columns": [column("a", "text", required=True)], "primary_key": ["doc_id", "a"]}),
            "tables[0].primary_key[1]",
            "make it string(n)",
        ),
        (document({**BASE, "primary_key": ["doc_id", "DOC_ID"]}), "tables[0].primary_key[1]", "there already"),
        (document({**BASE, "parent": "base"}), "tables[0].parent", "the parents go round: base to base"),
        (
            document({**BASE, "parent": "child"}, {**CHILD, "row_number": "n"}),
            "tables[0].parent",
            "the parents go round",
        ),
        (document(root="1Doc"), "root", "not the name of an element"),
        (document(root="p:Doc"), "root", "prefix p"),
        (document(version=2), "version", "1"),
        (document(contract="../etc/passwd"), "contract", "a contract's name is 1 to 80 letters"),
        (document(tables={}), "tables", "must be a list: […]"),
        (document(tables=["base"]), "tables[0]", "must be an object: {…}"),
        (one_column(type=None), "tables[0].columns[0].type", "must be text, in quotes"),
        (document({"columns": []}), "tables[0].name", "is required"),
        (document(key={"column": "doc_id", "type": "date"}), "key.type", "smallint, int, bigint or string(n)"),
        (document(key={"column": "doc_id", "type": "string(201)"}), "key.type", "at most 200"),
        (document(key={"column": "doc_id", "type": "int", "path": "@"}), "key.path", "a path is"),
        (document(key={"column": "doc_id", "type": "int", "path": "q:x"}), "key.path", "prefix q"),
        (document(namespaces={"p": 1}), "namespaces.p", "text, in quotes"),
        ([], "contract", "must be an object"),
    ],
)
def test_a_single_mistake_is_refused_with_its_place(content: Any, place: str, words: str) -> None:
    faults = faults_of(content)
    assert len(faults) == 1, faults
    assert faults[0].startswith(f"  {place} (line ")
    assert words in faults[0]


def test_all_mistakes_are_reported_at_once_with_their_lines() -> None:
    content = document(
        {"name": "base", "columns": [column("a", "decimal(2,5)"), column("A"), column("b", path="q:b")]},
        {**CHILD, "parent": "nobody", "colums": []},
        {**CHILD, "name": "child2", "columns": [column("x", "tinyint", default=300)]},
    )
    faults = faults_of(content)
    assert [fault.split(":")[0].split(" (")[0].strip() for fault in faults] == [
        "tables[0].columns[0].type",
        "tables[0].columns[1].name",
        "tables[0].columns[2].path",
        "tables[1].parent",
        "tables[1].colums",
        "tables[2].columns[0]",
    ]
    text = json.dumps(content, indent=1).splitlines()
    line = int(faults[0].split("(line ")[1].split(")")[0])
    assert "decimal(2,5)" in text[line - 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"contract": "x",\n "version" 1}', "line 2, column 12"),
        ("", "line 1, column 1"),
        ('{"version": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 700 + "1" + "}" * 700, "not JSON"),
    ],
)
def test_broken_json_names_its_place(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match="not JSON") as raised:
        parse_contract(text, "x.json")
    assert words in str(raised.value)


def test_a_name_that_stands_twice_in_an_object_is_a_mistake() -> None:
    text = json.dumps(document()).replace('"root": "Doc"', '"root": "Doc",\n"root": "Other"')
    with pytest.raises(SettingsError, match=r"root \(line 2\): the name is there twice"):
        parse_contract(text)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"namespaces": {"p": "\ud800"}}, "namespaces.p"),
        ({"description": "a\udc00"}, "description"),
        ({"enumerations": {"e": {"\ud800": 1}}}, "enumerations.e"),
        ({"\ud800": 1}, "contract"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_at_its_place_and_can_be_printed(more: dict[str, Any], place: str) -> None:
    with pytest.raises(SettingsError, match=rf"{place} \(line 1\): half of a surrogate pair") as raised:
        parse_contract(json.dumps(document(**more)))
    assert str(raised.value).encode()
    assert parse_contract(json.dumps(document(description="\U0001f600"))).description == "\U0001f600"


def test_the_contract_of_the_demo_has_160_columns_in_6_tables_one_of_them_two_levels_down() -> None:
    contract = find_contract("lending")
    assert len(contract.tables) == 6
    assert sum(len(table.columns) for table in contract.tables) == 160
    parents = {table.name: table.parent for table in contract.tables}
    assert parents["app_address"] == "app_contact"
    assert parents["app_contact"] == "app_base"


@pytest.mark.parametrize("name", ["../secret", "a/b", "..", ".hidden", "", "x" * 81, "a\n"])
def test_a_contract_name_cannot_lead_out_of_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not a name"):
        find_contract(name, [tmp_path])


def test_a_contract_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="contract nothing: there is no such file; there are lending"):
        find_contract("nothing")


@pytest.mark.parametrize("folder", [Path("contracts"), Path("/nowhere/contracts"), CONTRACT_FOLDER / "lending.json"])
def test_a_folder_that_is_not_there_is_an_error_and_never_the_packages_contract_instead(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"contract_folder: .* is no absolute path of a folder on this machine"):
        find_contract("lending", [folder, CONTRACT_FOLDER])


def test_own_folders_are_searched_first_and_a_file_must_be_called_like_its_contract(tmp_path: Path) -> None:
    (tmp_path / "lending.json").write_text(json.dumps(document()))
    with pytest.raises(SettingsError, match="it calls itself small"):
        find_contract("lending", [tmp_path, CONTRACT_FOLDER])
    (tmp_path / "small.json").write_text(json.dumps(document()))
    assert find_contract("small", [tmp_path, CONTRACT_FOLDER]).tables[0].name == "base"


def test_a_file_that_is_not_utf8_is_refused_at_its_byte(tmp_path: Path) -> None:
    (tmp_path / "small.json").write_bytes(b'{"contract": "\xe9"}')
    with pytest.raises(SettingsError, match="not UTF-8 at byte 14"):
        find_contract("small", [tmp_path])
