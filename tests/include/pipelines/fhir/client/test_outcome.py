from __future__ import annotations

from typing import Any

import pytest

from include.pipelines.fhir.client.outcome import body_codes, codes_text, outcome_codes


def issue(severity: Any, code: Any) -> dict[str, Any]:
    return {"severity": severity, "code": code, "diagnostics": "Zyxwvut", "details": {"text": "Zyxwvut"}}


def test_severities_and_codes_are_counted_and_texts_are_not_read() -> None:
    issues = [issue("error", "not-found"), issue("warning", "invalid"), issue("error", "not-found")]
    codes = outcome_codes({"resourceType": "OperationOutcome", "issue": issues})
    assert codes_text(codes) == "error/not-found x2, warning/invalid"


@pytest.mark.parametrize(
    ("severity", "code", "shown"),
    [
        ("error", "Zyxwvut", "error/other"),
        ("Zyxwvut", "invalid", "other/invalid"),
        (None, ["Zyxwvut"], "other/other"),
    ],
)
def test_a_text_in_the_place_of_a_code_is_not_shown(severity: Any, code: Any, shown: str) -> None:
    assert outcome_codes({"resourceType": "OperationOutcome", "issue": [issue(severity, code)]}) == {shown: 1}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'{"resourceType":"Patient","issue":[{}]}', b'{"resourceType":"OperationOutcome"}']
)
def test_what_is_no_outcome_has_no_codes(body: bytes) -> None:
    assert body_codes(body) == {}
