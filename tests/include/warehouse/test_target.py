from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateTable

from include.engine.errors import SettingsError
from include.warehouse.delete_path import DeletePath
from include.warehouse.target import Target
from tests.include.warehouse.toy_people import people


def test_tables_stand_in_insertion_order_whatever_order_they_were_given_in() -> None:
    assert [table.name for table in people().tables] == ["person", "contact", "address"]


def test_a_table_without_the_key_is_deleted_through_its_declared_path() -> None:
    path = people()["address"].delete_path
    condition = path.condition("SELECT k FROM keys", lambda name: name, str)
    assert condition == ("contact_id IN (SELECT contact_id FROM contact WHERE person_id IN (SELECT k FROM keys))")
    path = people(schema="mart")["address"].delete_path
    condition = path.condition("SELECT k FROM keys", lambda name: name, str)
    assert condition == ("contact_id IN (SELECT contact_id FROM mart.contact WHERE person_id IN (SELECT k FROM keys))")


@pytest.mark.parametrize("schema", [None, "mart"])
def test_delete_paths_outlive_their_declaration_as_json(schema: str | None) -> None:
    for table in people(schema=schema).tables:
        document = table.delete_path.to_json()
        assert DeletePath.from_json(json.loads(json.dumps(document))) == table.delete_path
        assert ("schema" in document) is (schema is not None)


def test_the_column_that_a_delete_looks_up_is_indexed_in_every_child() -> None:
    indexed = {
        table.name: [[column.name for column in index.columns] for index in table.table.indexes]
        for table in people().tables
    }
    assert indexed == {"person": [], "contact": [["person_id"]], "address": [["contact_id"]]}


def test_every_fault_is_named_at_once() -> None:
    metadata = sa.MetaData()
    orphan = sa.Table("orphan", metadata, sa.Column("x", sa.Integer), sa.Column("made", sa.Integer, sa.Computed("1")))
    keyed = sa.Table("keyed", metadata, sa.Column("id", sa.String(50)), sa.Column("doc", sa.JSON))
    house = sa.Table("headrace_mine", metadata, sa.Column("id", sa.Integer, nullable=False))
    with pytest.raises(SettingsError) as caught:
        Target("t", "id", [orphan, keyed, house])
    message = str(caught.value)
    for part in (
        "orphan neither has the column id",
        "orphan.made: the server computes it",
        "keyed.doc: type JSON() is not supported",
        "keyed.id: a record key cannot be nullable",
        "id is a number in one table and text in another",
        "names that begin with headrace_",
    ):
        assert part in message


def test_a_foreign_key_that_leads_outside_is_a_fault() -> None:
    metadata = sa.MetaData()
    sa.Table("country", metadata, sa.Column("code", sa.String(2), primary_key=True))
    person = sa.Table(
        "person", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("c", sa.ForeignKey("country.code"))
    )
    with pytest.raises(SettingsError, match=r"person\.c: its foreign key leads to country, outside the target"):
        Target("t", "id", [person])


def test_foreign_keys_that_go_round_are_a_fault() -> None:
    metadata = sa.MetaData()
    left = sa.Table(
        "left", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("r", sa.ForeignKey("right.id"))
    )
    right = sa.Table(
        "right", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("l", sa.ForeignKey("left.id"))
    )
    with pytest.raises(SettingsError, match="foreign keys go round"):
        Target("t", "id", [left, right])


@pytest.mark.parametrize(
    ("schemas", "name", "part"),
    [
        ((None, "mart"), "t", r"several schemas \(the connection's own, mart\)"),
        (("mart", "Mart"), "t", r"several schemas \(mart, Mart\)"),
        (("ma.rt",), "t", "schema 'ma.rt' is no usable name"),
        (("ma]rt",), "t", "schema 'ma]rt' is no usable name"),
        (("",), "t", "schema '' is no usable name"),
        ((None,), "t.t", "table t.t0: a dot in its name"),
        (("m" * 60,), "t" * 67, "its name and that of its schema take 127 characters together"),
    ],
)
def test_a_schema_that_could_be_misread_is_a_fault(schemas: tuple[str | None, ...], name: str, part: str) -> None:
    tables = [
        sa.Table(f"{name}{n}", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), schema=schema)
        for n, schema in enumerate(schemas)
    ]
    with pytest.raises(SettingsError, match=part):
        Target("t", "id", tables)


def test_the_schema_is_part_of_the_declared_tables_their_foreign_keys_and_the_signature() -> None:
    target = people(schema="mart")
    assert (target.schema, people().schema) == ("mart", None)
    assert [str(table.full_name) for table in target.tables] == ["mart.person", "mart.contact", "mart.address"]
    ddl = str(CreateTable(target.table("contact")).compile(dialect=mssql.dialect()))
    assert "REFERENCES mart.person (person_id)" in ddl
    assert target.signature not in (people().signature, people(schema="other").signature)


def test_the_signature_changes_with_a_column_and_not_with_the_order_of_the_tables() -> None:
    assert people().signature == people().signature
    assert people().signature != people(key_type=sa.Integer()).signature


def test_identities_that_rows_bring_are_remembered_and_part_of_the_signature() -> None:
    def target(**info: bool) -> Target:
        table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), info=info)
        return Target("t", "id", [table])

    assert target(identity_insert=True).table("t").info == {"identity_insert": True}
    assert target(identity_insert=True).signature != target().signature


def test_stored_keys_come_back_as_what_they_were() -> None:
    assert people().key_of("7") == 7
    assert people(key_type=sa.String(20)).key_of("007") == "007"


def test_both_ends_of_a_foreign_key_to_a_text_key_have_its_collation() -> None:
    metadata = sa.MetaData()
    child = sa.Table("child", metadata, sa.Column("owner", sa.ForeignKey("parent.id"), nullable=False))
    parent = sa.Table("parent", metadata, sa.Column("id", sa.String(20), primary_key=True))
    target = Target("t", "id", [child, parent])
    dialect = mssql.dialect()
    types = [
        target.table(name).columns[column].type.compile(dialect)
        for name, column in (("parent", "id"), ("child", "owner"))
    ]
    assert types == ["NVARCHAR(20) COLLATE Latin1_General_100_BIN2"] * 2
