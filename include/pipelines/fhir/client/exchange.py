"""An answer of a FHIR server."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from include.connections.http.exchange import Answer
from include.pipelines.fhir.client.outcome import body_codes, codes_text

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirAnswer(Answer):
    """What came back; the body is empty where it went into a file."""

    authorization: str | None = field(repr=False)
    """What was sent to the last URL."""

    @property
    def codes(self) -> Counter[str]:
        """Of the OperationOutcome in it, if any."""
        return body_codes(self.body)

    @property
    def complaint(self) -> str:
        """The request, the status and the issue codes, for an error's message."""
        codes = codes_text(self.codes)
        return f"{self.label}: {self.status}" + (f" ({codes})" if codes else "")
