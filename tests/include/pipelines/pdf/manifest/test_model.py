from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from pydantic import ValidationError

from include.pipelines.pdf.manifest.model import MAX_METADATA_BYTES, ManifestDocument, faults_of
from tests.include.pipelines.pdf.entries import PROJECT, entry

SECRET = "a-secret-of-the-applicant"


def faults(given: Any) -> list[str]:
    text = given if isinstance(given, str) else json.dumps(given)
    with pytest.raises(ValidationError) as caught:
        ManifestDocument.model_validate_json(text)
    found = faults_of(caught.value)
    assert SECRET not in " ".join(found)
    return found


def test_an_entry_is_read_and_its_uuid_takes_the_usual_form() -> None:
    key = uuid.UUID("0af7651916cd43dd8448eb211c80319c")
    spelt = {"document_uuid": "0AF7651916CD43DD8448EB211C80319C", "project_uuid": "urn:uuid:" + str(PROJECT)}
    read = ManifestDocument.model_validate_json(json.dumps(spelt | {"file_path": "a.pdf", "language": "deu+fra"}))
    assert (read.key, read.project_uuid, read.language) == (str(key), PROJECT, "deu+fra")
    assert read.metadata_json is None


def test_metadata_gives_the_same_text_whatever_the_order_of_its_fields() -> None:
    texts = [
        ManifestDocument.model_validate(entry("a.pdf", metadata=metadata)).metadata_json
        for metadata in ({"b": [1, None], "a": "\u00e9"}, {"a": "\u00e9", "b": [1, None]})
    ]
    assert texts == ['{"a": "\u00e9", "b": [1, null]}'] * 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry("a.pdf") | {"document_uuid": SECRET}, ["document_uuid must be a UUID"]),
        (entry("a.pdf") | {"project_uuid": 7}, ["project_uuid must be a UUID"]),
        (entry("a.pdf") | {"file_path": ""}, ["file_path must be a text of 1 to 1100 characters without NUL"]),
        (
            entry("a.pdf") | {"file_path": SECRET + "\0"},
            ["file_path must be a text of 1 to 1100 characters without NUL"],
        ),
        (
            entry("a.pdf") | {"file_path": SECRET * 100},
            ["file_path must be a text of 1 to 1100 characters without NUL"],
        ),
        (entry("a.pdf") | {"file_path": 5}, ["file_path must be a text of 1 to 1100 characters without NUL"]),
        (
            entry("a.pdf", metadata=[SECRET]),
            [f"metadata must be an object of at most {MAX_METADATA_BYTES} bytes as JSON"],
        ),
        (
            entry("a.pdf", metadata={"x": SECRET * 4000}),
            [f"metadata must be an object of at most {MAX_METADATA_BYTES} bytes as JSON"],
        ),
        (
            json.dumps(entry("a.pdf", metadata={"x": float("nan")})),
            [f"metadata must be an object of at most {MAX_METADATA_BYTES} bytes as JSON"],
        ),
        (entry("a.pdf", language="; rm"), ["language must name languages as Tesseract does: eng, or deu+fra"]),
        (entry("a.pdf", language="../eng"), ["language must name languages as Tesseract does: eng, or deu+fra"]),
        (entry("a.pdf", bytes=-1), ["bytes must be a whole number, 0 or more"]),
        (entry("a.pdf", etag=""), ["etag must be the ETag of an object in S3, up to 200 characters"]),
        (entry("a.pdf", etag='"a"b"'), ["etag must be the ETag of an object in S3, up to 200 characters"]),
        (
            entry("a.pdf") | {"metdata": SECRET},
            ["'metdata' is no field of a document: what is not read belongs into metadata"],
        ),
        ({"file_path": "a.pdf"}, ["document_uuid is missing", "project_uuid is missing"]),
        ("[]", ["is not a JSON object"]),
        ("{" + SECRET, ["is not JSON"]),
    ],
)
def test_every_fault_names_its_field_and_what_it_must_be_and_no_value(given: Any, expected: list[str]) -> None:
    assert faults(given) == expected


def test_a_long_name_of_an_unknown_field_is_cut() -> None:
    (fault,) = faults(entry("a.pdf") | {"x" * 1000: 1})
    assert len(fault) < 150
