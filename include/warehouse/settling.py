"""What becomes of each settlement, given what the warehouse remembers: a pure rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.engine.errors import RecordRejected
from include.engine.judge import OLDER_VERSION, UNCHANGED
from include.engine.model import Outcome, Settlement
from include.warehouse.keys import key_fault, stored_key, version_fault
from include.warehouse.storable import storable
from include.warehouse.tables import MAX_MESSAGE
from include.warehouse.target import MAX_NAME

# Looked up once: the members of an Enum are slow attributes, and this is the path of every record.
_WRITTEN = Outcome.WRITTEN
_SKIPPED = Outcome.SKIPPED

DUPLICATE_KEY = "duplicate_key"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of `records`, as far as the rule needs it."""

    version: str | None
    content_hash: str | None
    row_count: int
    cycle_id: int
    """That settled the key last."""
    earlier_cycle_id: int | None = None
    """The other cycle before that: two runs may work on a key at the same time."""

    def settled_in(self, cycle_id: int) -> bool:
        """Whether the cycle has settled this key."""
        return cycle_id in (self.cycle_id, self.earlier_cycle_id)

    def overtook(self, cycle_id: int) -> bool:
        """Whether the cycle may have settled this key before two later ones did, which alone are remembered."""
        return self.earlier_cycle_id is not None and min(self.cycle_id, self.earlier_cycle_id) > cycle_id


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

    @property
    def is_good(self) -> bool:
        """Whether the target holds the record's newest content now: an open reject of the key is over."""
        return self.outcome is _WRITTEN or (self.outcome is _SKIPPED and self.reason == UNCHANGED)

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
        return _refused(settlement, stored_key(settlement.key), fault, first_of)
    key = settlement.key if isinstance(settlement.key, str) else str(settlement.key)
    line, rival = lines.get(key), first_of.get(key)
    fault = version_fault(settlement.version)
    if fault is not None:
        return _refused(settlement, key, fault, first_of)
    if rival is not None:
        if not newer(settlement.version, rival.settlement.version):
            return _skipped(settlement, key, DUPLICATE_KEY, remembered=False)
        _lose(rival)
    elif line is not None and line.settled_in(cycle_id) and not newer(settlement.version, line.version):
        return _skipped(settlement, key, DUPLICATE_KEY, remembered=False)
    if settlement.rows is not None and line is not None and newer(line.version, settlement.version):
        return _skipped(settlement, key, OLDER_VERSION)
    return Verdict(
        settlement,
        key,
        settlement.outcome,
        storable(settlement.code, MAX_NAME) if settlement.code else settlement.code,
        storable(settlement.message, MAX_MESSAGE) if settlement.message else settlement.message,
        replaces=settlement.rows is not None,
    )


def _refused(settlement: Settlement, key: str, fault: RecordRejected, first_of: Mapping[str, Verdict]) -> Verdict:
    """Nothing of the record can be kept, so what the target holds stays."""
    return Verdict(settlement, key, Outcome.REJECTED, fault.code, fault.message, remembered=key not in first_of)


def _skipped(settlement: Settlement, key: str, reason: str, *, remembered: bool = True) -> Verdict:
    return Verdict(settlement, key, Outcome.SKIPPED, reason, remembered=remembered)


def _lose(rival: Verdict) -> None:
    rival.outcome, rival.reason, rival.message = Outcome.SKIPPED, DUPLICATE_KEY, None
    rival.replaces = rival.remembered = False
