"""What a resource that a view cannot turn into rows is rejected with."""

from __future__ import annotations

from include.engine.errors import RecordRejected
from include.pipelines.fhir.fhirpath.errors import Cause

_EXPLANATIONS: dict[Cause, str] = {
    "arithmetic": "a result has more digits than can be kept",
    "binary": "the value is no base64",
    "complex": "the value is an object, which a column of a plain type cannot hold: declare the column's type",
    "many_values": "there are several values where one is expected: use first(), join() or collection, or forEach",
    "no_id": "the resource has no id of FHIR's form, or its meta.versionId is no text",
    "not_boolean": "the condition gives no boolean",
    "not_comparable": "values of different kinds are compared",
    "not_number": "a value is no number where one is expected",
    "not_text": "a value is no text where one is expected",
    "not_temporal": "a value is no date, time or dateTime of FHIR",
    "precision": "a date or dateTime is partial, or without offset, and the column takes whole ones: use lowBoundary()",
    "too_deep": "the resource is nested too deeply",
    "too_many_rows": "the resource gives more rows than a view may give",
    "value_type": "the value is of another type than the column",
}


class ResourceRejected(RecordRejected):
    """One resource cannot be evaluated; its neighbours are not concerned. Names no value of it.

    `code` is `fhir_view.` and the cause.
    """

    def __init__(self, view: str, place: str, cause: Cause) -> None:
        super().__init__(f"fhir_view.{cause}", f"view {view}, {place}: {_EXPLANATIONS[cause]}")
        self.view = view
        self.place = place
        """The column's name; or the part of the definition that has none: `where[0].path`, `select[1].forEach`."""
        self.cause: Cause = cause

    def __reduce__(self) -> tuple[type[ResourceRejected], tuple[str, str, Cause]]:  # type: ignore[override]
        return type(self), (self.view, self.place, self.cause)
