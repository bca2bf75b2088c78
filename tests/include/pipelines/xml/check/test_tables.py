from __future__ import annotations

import json
from collections.abc import Callable

from include.pipelines.xml.check.tables import described_tables
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import read_contract
from include.pipelines.xml.tables import target_of
from tests.include.pipelines.xml.check.check_files import FULL, LENDING


def described(contract: Contract) -> str:
    return "\n".join(described_tables(contract, target_of(contract))) + "\n"


def test_tables_stand_in_insertion_order_with_columns_types_keys_and_sources(
    contract_of: Callable[..., Contract],
) -> None:
    contract = contract_of(
        {
            "name": "base",
            "references": [{"columns": ["doc_id", "lead"], "table": "person", "to": ["doc_id", "ref"]}],
            "selections": {"home": {"path": "Home"}},
            "columns": [
                ("lead", "@lead", "string(9)"),
                ("city", "City", "text", {"from": "home", "required": True}),
                {"name": "feed", "type": "string(4)", "constant": "null"},
                {"name": "size", "type": "bit", "calculate": "CASE WHEN lead = 'A'\n THEN TRUE END"},
            ],
        },
        {
            "name": "person",
            "rows": "Person",
            "primary_key": ["doc_id", "ref"],
            "duplicates": "last",
            "where": [{"path": "@ref", "present": True}],
            "columns": [("ref", "@ref", "string(9)", {"required": True})],
        },
        {"name": "phone", "parent": "person", "rows": "Phone", "row_number": "no", "columns": [("digits", ".")]},
        {
            "name": "score",
            "parent": "base",
            "row_number": "no",
            "items": [{"name": "a", "path": "A"}, {"name": "b", "path": "B"}],
            "columns": [
                {"name": "what", "type": "string(1)", "take": "item_name"},
                {"name": "value", "type": "decimal(5,2)", "take": "item_value"},
            ],
        },
        {
            "name": "decision",
            "primary_key": ["no"],
            "identity_insert": True,
            "write": "filled",
            "columns": [("no", "@no", "int", {"required": True})],
        },
        key={"column": "doc_id", "type": "bigint", "path": "@id"},
        target_schema="dw",
    )
    assert described(contract) == EXPECTED


EXPECTED = """\
Contract small has no mistakes: 5 tables of schema dw, 17 columns, filled in this order.

person: a row for each Person, if 1 condition holds; of one primary key the last
  column  type       null      key  from
  doc_id  bigint     NOT NULL  PK   the record's key, @id
  ref     string(9)  NOT NULL  PK   @ref
  primary key (doc_id, ref)

decision: a row for the document element, if it holds more than defaults
  column  type    null      key  from
  doc_id  bigint  NOT NULL       the record's key, @id
  no      int     NOT NULL  PK   @no
  primary key (no)
  identity insert: the contract gives the values of the IDENTITY

base: a row for the document element
  column  type       null      key    from
  doc_id  bigint     NOT NULL  PK FK  the record's key, @id
  lead    string(9)  NULL      FK     @lead
  city    text       NOT NULL         home: City
  feed    string(4)  NULL             constant "null"
  size    bit        NULL             = CASE WHEN lead = 'A' THEN TRUE END
  primary key (doc_id)
  foreign key (doc_id, lead) to person (doc_id, ref)

phone: a row for each Phone of person
  column  type        null      key    from
  doc_id  bigint      NOT NULL  PK FK  the record's key, @id
  ref     string(9)   NOT NULL  PK FK  key of person
  no      int         NOT NULL  PK     row number
  digits  string(20)  NULL             .
  primary key (doc_id, ref, no)
  foreign key (doc_id, ref) to person (doc_id, ref)

score: a row for each of 2 items that has a value, in each row of base
  column  type          null      key    from
  doc_id  bigint        NOT NULL  PK FK  the record's key, @id
  no      int           NOT NULL  PK     row number
  what    string(1)     NULL             the item name
  value   decimal(5,2)  NULL             the item value
  primary key (doc_id, no)
  foreign key (doc_id) to base (doc_id)
"""


def test_every_table_and_column_of_the_large_contracts_is_there_once() -> None:
    for file in (LENDING, FULL):
        contract = read_contract(file)
        text = described(contract)
        for table in target_of(contract).tables:
            (block,) = (part for part in text.split("\n\n") if part.startswith(f"{table.name}: "))
            names = [
                line.split()[0] for line in block.splitlines()[2:] if not line.startswith(("  primary", "  foreign"))
            ]
            assert [name for name in names if name != "identity"] == list(table.columns)
        raw = json.loads(file.read_text(encoding="utf-8"))
        assert f"{len(raw['tables'])} tables" in text.splitlines()[0]
