"""Which model writes, and what its answer must be."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.pipelines.csv.steps.checks import OutputCheck


class EmailSettings(BaseModel):
    """Of one generating step."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    name: str = Field(default="email", pattern=r"^[a-z][a-z0-9_]{0,59}$")
    """Of the step; two steps that write need two names."""
    service: str = "model"
    path: str = "/v1/chat/completions"
    model: str = Field(min_length=1, max_length=200)
    max_tokens: int = Field(default=400, ge=1, le=32_000)
    """Longest answer."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the service calls it."""
    temperature: float | None = Field(default=0.7, ge=0, le=2)
    """None leaves it out, for models that take none."""
    outputs: tuple[OutputCheck, ...] = Field(default=(OutputCheck(name="email_body"),), min_length=1, max_length=20)
    """The columns that it makes."""
    structured: Literal["none", "json_object", "json_schema"] = "none"
    """How more than one output is asked for: `json_schema` where the service has structured output, else
    `json_object` with a template that says which JSON it wants."""
    takes: int = Field(default=2, ge=1, le=5)
    """Answers that are paid for one row, until one passes the checks."""
    rows_per_request: int = Field(default=1, ge=1, le=50)
    """Rows whose prompts travel in one request, answers matched by id; needs `structured: json_schema`."""
    strip_greeting: bool = True
    """Take `Hi Jane,` off the beginning."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [output.name for output in self.outputs]
        if len(set(names)) < len(names):
            raise ValueError("two outputs have the same name")
        if self.structured == "none" and len(names) > 1:
            raise ValueError("more than one output needs structured: json_schema or json_object")
        if self.rows_per_request > 1 and self.structured != "json_schema":
            raise ValueError("rows_per_request above 1 needs structured: json_schema")
        return self

    def response_format(self) -> dict[str, Any] | None:
        """For the request; None where plain text is asked for."""
        if self.structured == "none":
            return None
        if self.structured == "json_object":
            return {"type": "json_object"}
        return self.schema_format(_object({output.name: {"type": "string"} for output in self.outputs}))

    def several_format(self) -> dict[str, Any]:
        """As `response_format`, for the rows of one request."""
        texts = {name: {"type": "string"} for name in ("id", *(output.name for output in self.outputs))}
        return self.schema_format(_object({"items": {"type": "array", "items": _object(texts)}}))

    def schema_format(self, schema: dict[str, Any]) -> dict[str, Any]:
        """As the API wants it."""
        return {"type": "json_schema", "json_schema": {"name": self.name, "strict": True, "schema": schema}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
