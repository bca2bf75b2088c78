"""`getResourceKey` and `getReferenceKey`: the keys that join the tables of views."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from include.pipelines.fhir.fhirpath.compiled import Compiled, Item, Scope, of_many, of_one

_REFERENCE = re.compile(
    r"(?:(?P<type>[A-Z][A-Za-z]{0,63})/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
    r"|urn:uuid:(?P<uuid>[0-9A-Fa-f-]{36}))"
)


def get_resource_key(source: Compiled) -> Compiled:
    """The `id` of a resource; empty for anything else."""
    one = source.one

    def evaluate(node: Item, scope: Scope) -> Item:
        resource = one(node, scope)
        return resource.get("id") if isinstance(resource, dict) and "resourceType" in resource else None

    return of_one(evaluate, "id", made=False)


def get_reference_key(source: Compiled, type_name: str | None = None) -> Compiled:
    """The `id` that a reference names, if it is relative (`Patient/123`) or a `urn:uuid:`.

    A relative reference to another type than asked for gives nothing. A uuid does so where the reference says its
    type and it is another; without one it is taken, since no two resources of any type share a uuid. Absolute URLs
    (which may lead to other servers), references to contained resources and searches give nothing.
    """
    many = source.many

    def evaluate(node: Item, scope: Scope) -> Sequence[Item]:
        return [key for item in many(node, scope) if (key := _key(item, type_name)) is not None]

    return replace(of_many(evaluate), type="id", made=True)


def _key(reference: Item, type_name: str | None) -> str | None:
    text = reference.get("reference") if isinstance(reference, dict) else None
    found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    stated = found["type"]
    if stated is None:
        named = reference.get("type")
        stated = named.rpartition("/")[2] if isinstance(named, str) else type_name
    return found["id"] or found["uuid"] if type_name is None or stated == type_name else None
