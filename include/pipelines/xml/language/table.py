"""The tables of a contract: which elements give rows, and what becomes of several rows of one key."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, StrictBool, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from include.pipelines.xml.language.columns import Column, Repeated
from include.pipelines.xml.language.model import ContractModel, Identifier, OpenPathText, OpenRowsText, RowsText
from include.pipelines.xml.language.paths import Path, parse_rows
from include.pipelines.xml.language.steps import Step
from include.pipelines.xml.mapping.conversions import XML_SPACE

Name = Annotated[str, StringConstraints(min_length=1)]


class Condition(ContractModel):
    """What an element must hold."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["in"]}, {"required": ["present"]}]})

    path: OpenPathText
    """From the candidate element itself; of several values the first counts."""

    allowed: list[str] | None = Field(default=None, alias="in", min_length=1)
    """The trimmed text is one of these; their order is priority."""

    present: Literal[True] | None = None
    """There is a value that is not empty."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.allowed is None) == (self.present is None):
            raise ValueError('a condition has either "in": [values] or "present": true')
        for text in self.allowed or ():
            if not text or text != text.strip(XML_SPACE):
                raise ValueError("in: a value that is empty, or begins or ends with white space, can match nothing")
        if self.allowed is not None and len(set(self.allowed)) < len(self.allowed):
            raise ValueError("in: a value is there twice")
        return self


class Selection(ContractModel):
    """An element chosen once for each row of the table."""

    path: OpenRowsText
    """To the candidates, from the row's element or from that of another selection."""

    from_: str | None = Field(default=None, alias="from")
    """The selection that the path starts from. Left out: the row's element."""

    where: list[Condition] = Field(default_factory=list)
    """Conditions, all of which a candidate must meet."""

    take: Literal["first", "last", "priority"] = "first"
    """Of several in document order, or by the order of the values in `where`."""


class Reference(ContractModel):
    """A further foreign key."""

    columns: list[Identifier] = Field(min_length=1)
    """Of this table."""

    table: Identifier
    """The table referred to."""

    to: list[Identifier] = Field(min_length=1)
    """Its whole primary key, in the order of `columns`."""


class Item(ContractModel):
    """A value that makes a row of its own."""

    name: Name
    """What a column with `"take": "item_name"` gets."""

    path: OpenPathText
    """From the table's row element, or from the selection named in `from`."""

    from_: str | None = Field(default=None, alias="from")
    """The selection whose element the path starts at. Left out: the row's element."""

    steps: list[Step] = Field(default_factory=list)
    """What is done to the text, in order, before it becomes a value of the type."""

    repeated: Repeated = "reject"
    """Where the path finds several values: reject the record, or take the first or last in document order."""


class Group(ContractModel):
    """One of several alike parts of a document, told apart by the names of their elements."""

    name: Name
    """What a column with `"take": "group_name"` gets."""

    element: Name | None = None
    """What stands for `{group}` in paths. Left out: the name."""

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, raw: object) -> object:
        return {"name": raw} if isinstance(raw, str) else raw

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}

    @property
    def in_paths(self) -> str:
        """What stands for `{group}`."""
        return self.element or self.name


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

    rows: RowsText = "."
    """From the parent's row element (without a parent: from the document element); `.` is that element itself."""

    row_number: Identifier | None = None
    """Name of a generated int column that counts the rows written for one parent row from 1, in document order."""

    primary_key: list[Identifier] = Field(default_factory=list)
    """Left out: the record's key, the rest of the parent's primary key and the row number."""

    identity_insert: StrictBool = False
    """The target's column is an IDENTITY, and the contract gives its values (SQL Server; elsewhere no effect)."""

    references: list[Reference] = Field(default_factory=list)
    """Foreign keys besides that to the parent."""

    where: list[Condition] = Field(default_factory=list)
    """Conditions on the row's element, all of which must hold, else there is no row and none of its children."""

    duplicates: Literal["reject", "first", "last", "priority"] = "reject"
    """What several rows of one primary key mean: reject the record, or keep one."""

    write: Literal["always", "filled"] = "always"
    """Whether rows are written that hold nothing but defaults."""

    selections: dict[Identifier, Selection] = Field(
        default_factory=dict, json_schema_extra={"additionalProperties": False}
    )
    """Named elements that columns take values from."""

    items: list[Item] = Field(default_factory=list, min_length=1)
    """A row for each of these that has a value."""

    groups: list[Group] = Field(default_factory=list, min_length=1)
    """A row for each of these that holds more than defaults."""

    fields: list[Column] = Field(default_factory=list)
    """As columns, but not written: for `calculate`."""

    columns: list[Column] = Field(default_factory=list)
    """In the order of the target."""

    @cached_property
    def parsed_rows(self) -> Path:
        """The row path's parts."""
        return parse_rows(self.rows)

    @property
    def makes_rows(self) -> bool:
        """Whether one element may give several rows, or none."""
        return bool(self.items or self.groups)

    @property
    def values(self) -> list[Column]:
        """Columns, then fields."""
        return [*self.columns, *self.fields]

    @property
    def item_column(self) -> Column | None:
        """That takes the items' values."""
        return next((column for column in self.values if column.take == "item_value"), None)

    @property
    def depends_on(self) -> set[str]:
        """Names, in lower case, of the tables whose rows must be there first."""
        parent = () if self.parent is None else (self.parent.lower(),)
        return {*parent, *(reference.table.lower() for reference in self.references)}
