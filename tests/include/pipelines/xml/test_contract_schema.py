from __future__ import annotations

import json

import jsonschema
import pytest

from include.pipelines.xml.contract_files import CONTRACT_FOLDER
from include.pipelines.xml.contract_schema import SCHEMA_FILE, schema_text


def test_the_published_schema_is_that_of_the_model() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_contracts_of_the_package_are_valid_by_the_published_schema() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = list(CONTRACT_FOLDER.glob("*.json"))
    assert found
    for path in found:
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"tables": []}, {"root": "a b"}, {"more": 1}, {"key": {"column": "x"}}]
)
def test_the_published_schema_refuses_what_the_model_refuses(change: dict[str, object]) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**contract, **change}, schema)
