"""What becomes of each settlement, given what the warehouse remembers: a pure rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.engine.model import Outcome, Settlement
from include.warehouse.keys import key_fault, stored_key

OLDER_VERSION = "older_version"
DUPLICATE_KEY = "duplicate_key"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of `records`, as far as the rule needs it."""

    version: str | None
    content_hash: str | None
    row_count: int
    cycle_id: int


@dataclass(slots=True)
class Verdict:
    """A settlement as it is going to be written."""

    settlement: Settlement
    key: str
    """As stored."""
    outcome: Outcome
    reason: str | None
    message: str | None = None
    replaces: bool = False
    """Whether what the target holds of this key is deleted, and the settlement's rows inserted."""
    remembered: bool = True
    """Whether `records` takes it: a duplicate leaves the line of the record that won."""

    def reject(self, code: str, message: str) -> None:
        """The database refused its rows: it settles as rejected, and the target holds nothing of it."""
        self.outcome, self.reason, self.message = Outcome.REJECTED, code, message


def newer(left: str | None, right: str | None) -> bool:
    """Whether `left` is a later version; unknown versions do not compare."""
    return left is not None and right is not None and left > right


def judge(settlements: Sequence[Settlement], lines: Mapping[str, Line], cycle_id: int) -> list[Verdict]:
    """One verdict a settlement, in order.

    A version older than what the target holds is skipped. Of one key twice in a cycle the newer
    version wins; where versions do not say, the first.
    """
    verdicts: list[Verdict] = []
    first_of: dict[str, Verdict] = {}
    for settlement in settlements:
        verdict = _judge_one(settlement, lines, cycle_id, first_of)
        verdicts.append(verdict)
        if verdict.remembered:
            first_of[verdict.key] = verdict
    return verdicts


def _judge_one(
    settlement: Settlement, lines: Mapping[str, Line], cycle_id: int, first_of: Mapping[str, Verdict]
) -> Verdict:
    fault = key_fault(settlement.key)
    if fault is not None:
        key = stored_key(settlement.key)
        return Verdict(settlement, key, Outcome.REJECTED, fault.code, fault.message, remembered=key not in first_of)
    key = settlement.key if isinstance(settlement.key, str) else str(settlement.key)
    line, rival = lines.get(key), first_of.get(key)
    if rival is not None:
        if not newer(settlement.version, rival.settlement.version):
            return _skipped(settlement, key, DUPLICATE_KEY, remembered=False)
        _lose(rival)
    elif line is not None and line.cycle_id == cycle_id and not newer(settlement.version, line.version):
        return _skipped(settlement, key, DUPLICATE_KEY, remembered=False)
    if settlement.rows is not None and line is not None and newer(line.version, settlement.version):
        return _skipped(settlement, key, OLDER_VERSION)
    return Verdict(
        settlement,
        key,
        settlement.outcome,
        settlement.code,
        settlement.message,
        replaces=settlement.rows is not None,
    )


def _skipped(settlement: Settlement, key: str, reason: str, *, remembered: bool = True) -> Verdict:
    return Verdict(settlement, key, Outcome.SKIPPED, reason, remembered=remembered)


def _lose(rival: Verdict) -> None:
    rival.outcome, rival.reason, rival.message = Outcome.SKIPPED, DUPLICATE_KEY, None
    rival.replaces = rival.remembered = False
