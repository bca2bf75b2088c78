"""ViewDefinition as the specification has it (SQL-on-FHIR 2.0, 2.1 and 3.0), with its names."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator
from pydantic.alias_generators import to_camel

from include.pipelines.fhir.fhirpath.elements import TEMPORAL
from include.pipelines.fhir.fhirpath.temporals import parse_temporal
from include.pipelines.fhir.fhirpath.tree import At, Literal

CANONICALS = (
    "ViewDefinition",
    "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition",
    "http://hl7.org/fhir/uv/sql-on-fhir/StructureDefinition/ViewDefinition",
    "http://hl7.org/fhir/StructureDefinition/ViewDefinition",
)
"""What `resourceType` may be: the plain name (3.0 and most views), or a canonical of 2.x, of its drafts or of 3.0."""

METADATA = {
    "approvalDate", "author", "contact", "contained", "copyright", "copyrightLabel", "date", "editor",
    "effectivePeriod", "endorser", "experimental", "fhirVersion", "identifier", "implicitRules", "jurisdiction",
    "language", "lastReviewDate", "meta", "profile", "publisher", "purpose", "relatedArtifact", "resourceDefinition",
    "reviewer", "text", "topic", "useContext", "version", "versionAlgorithmCoding", "versionAlgorithmString",
}  # fmt: skip
"""Elements that say something about a view and change no row."""

SqlName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=100)]
"""The specification's form of names; the length is what every database takes."""

Text = Annotated[StrictStr, Field(min_length=1)]

_TEXT_TYPES = {"base64Binary", "canonical", "code", "id", "markdown", "oid", "string", "uri", "url", "uuid"}
_WHOLE_TYPES = {"integer", "integer64", "positiveInt", "unsignedInt"}


class ViewPart(BaseModel):
    """Unknown elements are mistakes, and nothing changes after reading. `id` and `extension` may stand anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_remarks(cls, raw: Any) -> Any:  # noqa: ANN401 - whatever the JSON text held
        if isinstance(raw, dict):
            return {name: value for name, value in raw.items() if name not in {"id", "extension", "fhir_comments"}}
        return raw


class Tag(ViewPart):
    """A directive for one kind of implementation; `ansi/type` is the one that is read here."""

    name: Text
    value: StrictStr


class Column(ViewPart):
    """A column of the result."""

    path: Text
    name: SqlName
    description: StrictStr | None = None
    collection: StrictBool = False
    """Several values are kept, as a JSON array; else they are an error of the resource."""
    type: Text | None = None
    """A FHIR type, by name or canonical."""
    tag: tuple[Tag, ...] = ()


class Select(ViewPart):
    """Columns and nested selects, once or for each element of at most one of `forEach`, `forEachOrNull`, `repeat`."""

    column: tuple[Column, ...] = ()
    select: tuple[Select, ...] = ()
    for_each: Text | None = None
    for_each_or_null: Text | None = None
    repeat: tuple[Text, ...] = ()
    union_all: tuple[Select, ...] = ()


class Where(ViewPart):
    """A condition that resources must fulfil."""

    path: Text
    description: StrictStr | None = None


class Constant(ViewPart):
    """A value for `%name`; in JSON, `type` and `value` are one element: `valueCode`."""

    name: SqlName
    type: StrictStr
    value: StrictBool | int | Decimal | StrictStr

    @model_validator(mode="before")
    @classmethod
    def _typed_value(cls, raw: Any) -> Any:  # noqa: ANN401 - whatever the JSON text held
        if not isinstance(raw, dict):
            return raw
        values = [name for name in raw if name.startswith("value")]
        if len(values) != 1:
            raise ValueError("needs exactly one value: valueString, valueCode, valueInteger …")
        written = values[0].removeprefix("value")
        type_name = written[:1].lower() + written[1:]
        _check(type_name, raw[values[0]])
        others = {name: value for name, value in raw.items() if name != values[0]}
        return {**others, "type": type_name, "value": raw[values[0]]}

    @property
    def literal(self) -> Literal:
        """As expressions read it."""
        kind = "integer" if self.type in _WHOLE_TYPES else self.type
        return Literal(self.value, kind, At(1, 1, f"%{self.name}"))


def _check(type_name: str, value: Any) -> None:  # noqa: ANN401 - whatever the JSON text held
    whole = isinstance(value, int) and not isinstance(value, bool)
    sound = {
        "boolean": isinstance(value, bool),
        "decimal": whole or isinstance(value, Decimal | float),
        **dict.fromkeys(_TEXT_TYPES, isinstance(value, str)),
        **dict.fromkeys(_WHOLE_TYPES, whole),
        **dict.fromkeys(TEMPORAL, isinstance(value, str) and parse_temporal(value) is not None),
    }
    if type_name not in sound:
        raise ValueError(f"constants have no such type; there are {', '.join(sorted(sound))}")
    if not sound[type_name]:
        raise ValueError(f"the value is no {type_name}")


def _canonical(resource_type: str) -> str:
    if resource_type not in CANONICALS:
        raise ValueError(f"must be one of {', '.join(CANONICALS)}")
    return resource_type


class ViewDefinition(ViewPart):
    """A table as columns and conditions over one type of resource."""

    resource_type: Annotated[StrictStr, AfterValidator(_canonical)] = "ViewDefinition"
    url: StrictStr | None = None
    name: SqlName | None = None
    """The table's name. The specification leaves it out for views that only run."""
    title: StrictStr | None = None
    status: StrictStr | None = None
    description: StrictStr | None = None
    resource: Annotated[StrictStr, Field(pattern=r"^[A-Z][A-Za-z]+$")]
    constant: tuple[Constant, ...] = ()
    select: tuple[Select, ...]
    where: tuple[Where, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_metadata(cls, raw: Any) -> Any:  # noqa: ANN401 - whatever the JSON text held
        if not isinstance(raw, dict):
            return raw
        return {name: value for name, value in raw.items() if name not in METADATA and not name.startswith("_")}
