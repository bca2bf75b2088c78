from __future__ import annotations

import json

import jsonschema
import pytest

from include.pipelines.xml.language.files import CONTRACT_FOLDER
from include.pipelines.xml.language.schema import SCHEMA_FILE, schema_text


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
    ("table", "valid"),
    [
        ({"columns": [{"name": "a", "type": "int", "path": "A/@b"}]}, True),
        ({"columns": [{"name": "a", "type": "int", "path": "p:A{group}/@b"}]}, True),
        ({"columns": [{"name": "a", "type": "int", "calculate": "1"}]}, True),
        ({"columns": [{"name": "a", "type": "int"}]}, False),
        ({"columns": [{"name": "a", "type": "int", "path": "A", "constant": 1}]}, False),
        ({"columns": [{"name": "a", "type": "int", "path": "A", "steps": ["digits", {"constant": 1}]}]}, True),
        ({"columns": [{"name": "a", "type": "int", "path": "A", "steps": ["digit"]}]}, False),
        ({"groups": ["1", {"name": "2", "element": "B"}]}, True),
        ({"groups": [1]}, False),
        ({"where": [{"path": "@a", "in": ["x"]}, {"path": "b", "present": True}]}, True),
        ({"where": [{"path": "@a"}]}, False),
        ({"where": [{"path": "@a", "present": False}]}, False),
        ({"selections": {"s": {"path": "A", "from": "t", "take": "priority"}}}, True),
        ({"selections": {"s": {"path": "@a"}}}, False),
        ({"selections": {"s s": {"path": "A"}}}, False),
        ({"references": [{"columns": ["a"], "table": "t", "to": ["a"]}]}, True),
        ({"items": [{"name": "", "path": "A"}]}, False),
        ({"duplicates": "best"}, False),
    ],
)
def test_the_published_schema_knows_the_parts_of_a_table(table: dict[str, object], valid: bool) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
    contract["tables"] = [{"name": "t", **table}]
    assert jsonschema.Draft202012Validator(schema).is_valid(contract) is valid


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"tables": []}, {"root": "a b"}, {"more": 1}, {"key": {"column": "x"}}]
)
def test_the_published_schema_refuses_what_the_model_refuses(change: dict[str, object]) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    contract = json.loads((CONTRACT_FOLDER / "lending.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**contract, **change}, schema)
