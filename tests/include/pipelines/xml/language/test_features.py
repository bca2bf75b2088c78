"""The fixtures' contract uses the whole language: what is new in the model or the grammar must be used there too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
from lark import Lark, Token, Tree

from include.pipelines.xml.formula.grammar import GRAMMAR
from include.pipelines.xml.formula.tree import Operator, Unit
from include.pipelines.xml.language.column_types import KINDS
from include.pipelines.xml.language.contract import contract_schema

CONTRACT = Path(__file__).resolve().parents[4] / "fixtures" / "contracts" / "lending_full.json"
SCHEMA = contract_schema()

Feature = tuple[str, str]
"""A part of the model, and the name of a setting, one of its options or one of its forms."""


def contract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return found


def declared(schema: dict[str, Any], part: str) -> Iterator[Feature]:
    """Options and forms are known by their setting alone: `repeated` has the same ones wherever it stands."""
    setting = part.rsplit(".", 1)[-1]
    # A default is used by being left out.
    yield from ((setting, repr(option)) for option in schema.get("enum", ()) if option != schema.get("default", schema))
    for form in schema.get("anyOf", ()):
        if form != {"type": "null"}:  # the setting left out, in other words
            yield setting, json.dumps(form)
            yield from declared(form, part)
    for name, inner in schema.get("properties", {}).items():
        yield part, name
        yield from declared(inner, f"{part}.{name}")
    for inner in alike(schema):
        yield from declared(inner, part)


def used(value: Any, schema: dict[str, Any], part: str) -> Iterator[Feature]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield from used(value, SCHEMA["$defs"][name], name)
    if "enum" in schema:
        yield part.rsplit(".", 1)[-1], repr(value)
    for form in schema.get("anyOf", ()):
        if jsonschema.Draft202012Validator(SCHEMA).evolve(schema=form).is_valid(value):
            yield part.rsplit(".", 1)[-1], json.dumps(form)
            yield from used(value, form, part)
    for name, inner in members(value):
        if name in schema.get("properties", {}):
            yield part, name
            yield from used(inner, schema["properties"][name], f"{part}.{name}")
        else:
            for further in alike(schema):
                yield from used(inner, further, part)


def alike(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Schemas of a list's members, or of an object's that have any name."""
    found = [schema.get("items"), schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    return [inner for inner in found if isinstance(inner, dict)]


def members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from (("", inner) for inner in value)


def all_features() -> set[Feature]:
    parts = {**SCHEMA["$defs"], "Contract": SCHEMA}
    return {feature for name, part in parts.items() for feature in declared(part, name)}


def test_the_contract_is_valid_by_the_published_schema_and_uses_every_setting_option_and_form_of_it() -> None:
    jsonschema.validate(contract(), SCHEMA)
    features = all_features()
    assert len(features) > 60
    assert features - set(used(contract(), SCHEMA, "Contract")) == set()


def test_every_type_is_used() -> None:
    types = {re.split(r"\W", column["type"])[0] for table in contract()["tables"] for column in table["columns"]}
    assert types == set(KINDS)


def test_every_word_of_the_grammar_of_formulas_is_used() -> None:
    grammar = Lark(GRAMMAR, parser="lalr", keep_all_tokens=True, maybe_placeholders=False, g_regex_flags=re.ASCII)
    columns = [column for table in contract()["tables"] for column in (*table["columns"], *table.get("fields", ()))]
    trees = [grammar.parse(column["calculate"]) for column in columns if "calculate" in column]
    words = {token.type for tree in trees for token in tree.scan_values(lambda part: isinstance(part, Token))}
    assert {terminal.name for terminal in grammar.terminals} - set(grammar.ignore_tokens) - words == set()
    shapes = {node.data for tree in trees for node in tree.iter_subtrees() if isinstance(node, Tree)}
    named = {rule.alias or (rule.origin.name if not rule.options.expand1 else None) for rule in grammar.rules}
    assert {name for name in named if name is not None and not name.startswith("_")} - shapes == set()


def test_every_operator_and_every_unit_of_formulas_is_used() -> None:
    text = " ".join(
        column["calculate"]
        for table in contract()["tables"]
        for column in (*table["columns"], *table.get("fields", ()))
        if "calculate" in column
    )
    assert set(get_args(Operator)) - set(re.findall(r"[<>=]+", text)) == set()
    assert set(get_args(Unit)) - set(re.findall(r"DATEADD\((\w+)", text)) == set()
    for words in ("IS EMPTY", "IS NOT EMPTY", "IS NULL", "IS NOT NULL", "NOT LIKE", "NOT IN", "NOT (", "'It''s", "_X%"):
        assert words in text
