"""The mapping contract: which documents there are, and which tables their values go to."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from include.pipelines.xml.column_types import ColumnType, parse_type
from include.pipelines.xml.columns import Column, ContractModel, Identifier, PathText, TypeText
from include.pipelines.xml.paths import NAME_PATTERN, ROWS_PATTERN, Path, parse_name, parse_path, parse_rows

ElementName = Annotated[str, WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
RowsPath = Annotated[str, WithJsonSchema({"type": "string", "pattern": ROWS_PATTERN})]

CONTRACT_NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,79}$"
"""A contract's name is also its file's, so it can name no other folder."""

MAX_KEY_LENGTH = 200
"""Of a text key, in characters: it stands in the keys of the ledger."""


class RecordKey(ContractModel):
    """The column that carries the record's key; every table has it."""

    column: Identifier
    """Its name, in every table."""

    type: TypeText
    """smallint, int, bigint or string(1..200), as the source's key is."""

    path: PathText | None = None
    """Where the document says its key, from the document element; it must equal the source's.
    Left out: not compared."""

    @field_validator("type")
    @classmethod
    def _is_a_key(cls, text: str) -> str:
        parsed = parse_type(text)
        if parsed.kind not in ("smallint", "int", "bigint", "string"):
            raise ValueError(f"{text}: a record key is smallint, int, bigint or string(n)")
        if parsed.kind == "string" and parsed.length > MAX_KEY_LENGTH:
            raise ValueError(f"{text}: a record key has at most {MAX_KEY_LENGTH} characters")
        return text

    @field_validator("path")
    @classmethod
    def _path_is_known(cls, text: str | None) -> str | None:
        if text is not None:
            parse_path(text)
        return text

    @cached_property
    def parsed_type(self) -> ColumnType:
        """The type's parts."""
        return parse_type(self.type)

    @cached_property
    def parsed_path(self) -> Path | None:
        """The path's parts."""
        return None if self.path is None else parse_path(self.path)


class Table(ContractModel):
    """A target table: a row for every element that its row path finds.

    It has, in this order: the record's key, the rest of its parent's primary key, its row number, its columns.
    """

    name: Identifier
    """Of the target's table."""

    description: str = ""
    """For readers; nothing depends on it."""

    parent: Identifier | None = None
    """The table whose row the rows belong to: its primary key is carried down and makes the foreign key."""

    rows: RowsPath = "."
    """From the parent's row element (without a parent: from the document element); `.` is that element itself."""

    row_number: Identifier | None = None
    """Name of a generated int column that counts the rows of a parent from 1, in document order."""

    primary_key: list[Identifier] = Field(default_factory=list)
    """Left out: the record's key, the rest of the parent's primary key and the row number."""

    columns: list[Column] = Field(default_factory=list)
    """The mapped ones, in the order of the target."""

    @field_validator("rows")
    @classmethod
    def _rows_are_known(cls, text: str) -> str:
        parse_rows(text)
        return text

    @cached_property
    def parsed_rows(self) -> Path:
        """The row path's parts."""
        return parse_rows(self.rows)


class Contract(ContractModel):
    """A mapping contract, version 1 of the language."""

    schema_: str | None = Field(default=None, alias="$schema")
    """Where an editor finds the JSON Schema; nothing depends on it."""

    contract: str = Field(pattern=CONTRACT_NAME_PATTERN)
    """Its name; the file is called the same, with `.json`."""

    version: Literal[1]
    """Of the contract language."""

    description: str = ""
    """For readers; nothing depends on it."""

    root: ElementName
    """Name of the document element; another one is a reject."""

    namespaces: dict[str, str] = Field(default_factory=dict)
    """URI by prefix, for root and paths; the prefix "" is that of elements without one."""

    key: RecordKey
    """The record's key."""

    target_schema: Identifier | None = None
    """Schema of the target tables, where the database has schemas; left out: the connection's own."""

    tables: list[Table] = Field(min_length=1)
    """In any order; parents are written before children."""

    @field_validator("root")
    @classmethod
    def _root_is_a_name(cls, text: str) -> str:
        return parse_name(text)

    @cached_property
    def parents_first(self) -> tuple[Table, ...]:
        """The tables in insertion order; only for a contract without mistakes."""
        ordered: list[Table] = []
        waiting = list(self.tables)
        while waiting:
            known = {table.name.lower() for table in ordered}
            ready = [table for table in waiting if table.parent is None or table.parent.lower() in known]
            if not ready:
                raise ValueError("parents go round")
            ordered += ready
            waiting = [table for table in waiting if table not in ready]
        return tuple(ordered)


def contract_schema() -> dict[str, Any]:
    """The JSON Schema that is published beside the contracts, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Contract.model_json_schema(by_alias=True)}
