"""What an OperationOutcome says in codes.

Its texts (`diagnostics`, `details`) may hold patient data: never read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from include.pipelines.fhir.client.json_text import read_object

SEVERITIES = frozenset({"fatal", "error", "warning", "information"})
_ISSUE_TYPES = (
    "invalid structure required value invariant security login unknown expired forbidden suppressed processing "
    "not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly "
    "business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational"
)
ISSUE_CODES = frozenset(_ISSUE_TYPES.split())
"""The R4 value set issue-type: any other text in a code's place could be anything, and is shown as `other`."""

MAX_CODES = 10
"""Different issues that a message names."""


def outcome_codes(resource: Mapping[str, object]) -> Counter[str]:
    """How often each `severity/code` stands in an OperationOutcome; empty for any other resource."""
    issues = resource.get("issue") if resource.get("resourceType") == "OperationOutcome" else None
    if not isinstance(issues, list):
        return Counter()
    return Counter(_code(issue) for issue in issues if isinstance(issue, dict))


def codes_text(codes: Counter[str]) -> str:
    """`error/not-found, warning/not-supported x3`."""
    shown = [code if count == 1 else f"{code} x{count}" for code, count in codes.most_common(MAX_CODES)]
    return ", ".join(shown) + (", …" if len(codes) > MAX_CODES else "")


def body_codes(body: bytes) -> Counter[str]:
    """As `outcome_codes`, of an answer's body, which may be anything."""
    resource = read_object(body)
    return outcome_codes(resource) if resource is not None else Counter()


def _code(issue: Mapping[str, object]) -> str:
    severity, code = issue.get("severity"), issue.get("code")
    shown = (
        severity if isinstance(severity, str) and severity in SEVERITIES else "other",
        code if isinstance(code, str) and code in ISSUE_CODES else "other",
    )
    return "/".join(shown)
