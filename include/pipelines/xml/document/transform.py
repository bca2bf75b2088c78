"""From a record to its rows: in this process, or by name in worker processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from include.engine.model import Record, Rows
from include.engine.ports import Transform
from include.engine.process_transform import ProcessTransform
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.mapping.conversions import MAX_DIGITS

RECYCLE_AFTER = 100_000
"""Records of a worker process: libxml2 leaks nothing that we know of, and a start costs half a second."""


class DocumentTransform:
    """Parses and maps; safe to call from many threads at once, each of which parses with a parser of its own."""

    def __init__(self, contract: Contract, limits: ParseLimits) -> None:
        self._plan = compile_contract(contract)
        self._parser = DocumentParser(limits)

    def __call__(self, record: Record) -> Rows:
        """Raises `RecordRejected`; `SettingsError` when the source's keys are not of the contract's kind."""
        return self._plan.rows(self._parser.parse(record.payload), record.key)


def process_transform(contract: Contract, limits: ParseLimits) -> ProcessTransform:
    """The same for worker processes, each of which compiles the contract once."""
    parts = contract.model_dump(by_alias=True, exclude_unset=True)
    config = {"contract": json.dumps(parts, default=_plain), "limits": asdict(limits)}
    return ProcessTransform(factory=f"{__name__}:load", config=config, recycle_after=RECYCLE_AFTER)


def _plain(literal: object) -> str:
    """A number as text without an exponent, which is read as the number is; what is out of all bounds nobody reads."""
    if isinstance(literal, Decimal) and abs(literal.adjusted()) < MAX_DIGITS:
        return format(literal, "f")
    return str(literal)


def load(config: Mapping[str, Any]) -> Transform:
    """The factory of `process_transform`."""
    return DocumentTransform(Contract.model_validate_json(config["contract"]), ParseLimits(**config["limits"]))
