"""The mapping contract: which documents there are, and which tables their values go to."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from include.pipelines.xml.language.column_types import ColumnType, parse_type
from include.pipelines.xml.language.model import ContractModel, Identifier, PathText, TypeText, Value
from include.pipelines.xml.language.paths import NAME_PATTERN, Path, parse_name, parse_path
from include.pipelines.xml.language.table import Table

ElementName = Annotated[str, WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]

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

    @cached_property
    def parsed_type(self) -> ColumnType:
        """The type's parts."""
        return parse_type(self.type)

    @cached_property
    def parsed_path(self) -> Path | None:
        """The path's parts."""
        return None if self.path is None else parse_path(self.path)


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

    enumerations: dict[str, dict[str, Value]] = Field(default_factory=dict)
    """Look-up tables by name: value by text."""

    tables: list[Table] = Field(min_length=1)
    """In any order; parents and referenced tables are written first."""

    @field_validator("root")
    @classmethod
    def _root_is_a_name(cls, text: str) -> str:
        return parse_name(text)

    @cached_property
    def tables_in_order(self) -> tuple[Table, ...]:
        """As they are inserted: parents and referenced tables first; only for a contract without mistakes."""
        ordered: list[Table] = []
        waiting = list(self.tables)
        while waiting:
            known = {table.name.lower() for table in ordered}
            ready = [table for table in waiting if table.depends_on <= known]
            if not ready:
                raise ValueError("parents and references go round")
            ordered += ready
            waiting = [table for table in waiting if table not in ready]
        return tuple(ordered)

    @property
    def meaning(self) -> str:
        """All that decides which rows a document gives. A later version of this language gives the same text."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True, exclude={"description", "schema_"})


def contract_schema() -> dict[str, Any]:
    """The JSON Schema that is published beside the contracts, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Contract.model_json_schema(by_alias=True)}
