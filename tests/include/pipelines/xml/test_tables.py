from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateTable

from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import find_contract, read_contract
from include.pipelines.xml.tables import target_of
from include.warehouse.encoders import SOURCE_PATH
from tests.include.pipelines.xml.check.check_files import FULL


def test_the_demos_tables_carry_key_parents_and_row_numbers_in_front_of_their_columns() -> None:
    target = target_of(find_contract("lending"))
    assert target["app_address"].columns[:4] == ("app_id", "contact_no", "address_no", "kind")
    address = target.table("app_address")
    assert [column.name for column in address.primary_key.columns] == ["app_id", "contact_no", "address_no"]
    (reference,) = address.foreign_key_constraints
    assert reference.referred_table.name == "app_contact"
    assert list(reference.column_keys) == ["app_id", "contact_no"]
    names = [table.name for table in target.tables]
    assert names.index("app_base") < names.index("app_contact") < names.index("app_address")


def test_types_and_nullability_are_the_contracts(contract_of: Callable[..., Contract]) -> None:
    contract = contract_of(
        {
            "name": "base",
            "primary_key": ["doc_id", "code"],
            "columns": [
                ("code", "c", "string(5)", {"required": True}),
                ("free", "f", "text"),
                ("tiny", "t", "tinyint", {"default": 1}),
                ("fixed", "x", "decimal(9,3)", {"required": True, "nullable": True}),
                ("always", "a", "bit", {"default": False, "nullable": False}),
                ("at", "at", "datetimeoffset"),
            ],
        }
    )
    table = target_of(contract).table("base")
    nullable = {column.name: column.nullable for column in table.columns}
    assert nullable == {
        "doc_id": False, "code": False, "free": True, "tiny": True, "fixed": True, "always": False, "at": True,
    }  # fmt: skip
    assert isinstance(table.c.code.type, sa.Unicode)
    assert table.c.code.type.length == 5
    assert isinstance(table.c.fixed.type, sa.Numeric)
    assert (table.c.fixed.type.precision, table.c.fixed.type.scale) == (9, 3)
    assert isinstance(table.c.at.type, sa.DateTime)
    assert table.c.at.type.timezone


def test_references_are_foreign_keys_and_order_the_tables_and_names_have_no_case(
    contract_of: Callable[..., Contract],
) -> None:
    loan = {
        "name": "loan", "columns": [("Owner", "O", "string(5)")], "fields": [("hidden", "H")],
        "references": [{"columns": ["DOC_ID", "owner"], "table": "PERSON", "to": ["doc_id", "CODE"]}],
    }  # fmt: skip
    person = {
        "name": "person", "rows": "P", "primary_key": ["doc_id", "code"], "identity_insert": True,
        "columns": [("code", "c", "string(5)", {"required": True})],
    }  # fmt: skip
    target = target_of(contract_of(loan, person))
    assert [table.name for table in target.tables] == ["person", "loan"]
    (reference,) = target.table("loan").foreign_key_constraints
    assert list(reference.column_keys) == ["doc_id", "Owner"]
    assert [key.column.name for key in reference.elements] == ["doc_id", "code"]
    assert target["loan"].columns == ("doc_id", "Owner")
    assert target.table("person").info == {"identity_insert": True}
    assert target.table("loan").info == {}


def test_the_contracts_schema_is_that_of_its_tables_and_of_what_their_foreign_keys_lead_to() -> None:
    target = target_of(read_contract(FULL))
    assert target.schema == "lending"
    ddl = "\n".join(str(CreateTable(table.table).compile(dialect=mssql.dialect())) for table in target.tables)
    assert len(re.findall(r"CREATE TABLE lending\.\w+ \(", ddl)) == len(target.tables)
    assert re.findall(r"REFERENCES (?!lending\.)\S+", ddl) == []
    assert target_of(find_contract("lending")).schema is None


@pytest.mark.parametrize(
    ("column", "nullable"),
    [
        ({"path": "A"}, True),
        ({"constant": 1}, True),
        ({"constant": 1, "nullable": False}, False),
        ({"calculate": "1", "default": 2, "nullable": False}, False),
        ({"calculate": "1", "required": True}, False),
    ],
)
def test_columns_take_null_unless_the_contract_says_otherwise(
    contract_of: Callable[..., Contract], column: dict[str, Any], nullable: bool
) -> None:
    contract = contract_of({"name": "t", "columns": [{"name": "a", "type": "int", **column}]})
    assert target_of(contract).table("t").c.a.nullable is nullable


def test_a_key_declared_in_the_document_is_the_childs_foreign_key_beside_the_records(
    contract_of: Callable[..., Contract],
) -> None:
    contract = contract_of(
        {"name": "base", "primary_key": ["code"], "columns": [("code", "c", "string(5)", {"required": True})]},
        {"name": "child", "parent": "base", "rows": "C", "row_number": "n", "columns": []},
    )
    child = target_of(contract).table("child")
    assert list(child.columns.keys()) == ["doc_id", "code", "n"]
    (reference,) = child.foreign_key_constraints
    assert list(reference.column_keys) == ["code"]


def test_columns_know_the_path_of_their_values_from_the_document_element(contract_of: Callable[..., Contract]) -> None:
    base = {
        "name": "base", "selections": {"home": {"path": "Address"}},
        "columns": [
            ("code", "@c"), ("city", "City", "text", {"from": "home"}), {"name": "n", "type": "int", "constant": 1},
        ],
    }  # fmt: skip
    item = {"name": "item", "parent": "base", "rows": "Items/Item", "row_number": "no", "columns": [("text", ".")]}
    groups = {"name": "group", "groups": ["1"], "row_number": "no", "columns": [("v", "G{group}/V")]}
    items = {
        "name": "items", "row_number": "no", "columns": [{"name": "v", "type": "int", "take": "item_value"}],
        "items": [{"name": name, "path": f"S/{name}"} for name in "abcdefg"],
    }  # fmt: skip
    target = target_of(
        contract_of(base, item, groups, items, key={"column": "doc_id", "type": "bigint", "path": "@id"})
    )
    paths = {str(column): column.info.get(SOURCE_PATH) for table in target.tables for column in table.table.columns}
    assert paths == {
        "base.doc_id": "@id", "base.code": "@c", "base.city": "Address/City", "base.n": None,
        "item.doc_id": "@id", "item.no": None, "item.text": "Items/Item",
        "group.doc_id": "@id", "group.no": None, "group.v": "G{group}/V",
        "items.doc_id": "@id", "items.no": None, "items.v": "S/a, S/b, S/c, S/d, 3 more",
    }  # fmt: skip
