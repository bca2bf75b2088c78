"""What a run would ask of paid services, told from the first rows of its files without any call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

import sqlalchemy as sa

from include.connections.files.places import Places
from include.engine.bugs import rejection_of
from include.engine.errors import FatalError, HeadraceError, RecordRejected, TransientError
from include.pipelines.csv.answers.tables import answers, leases
from include.pipelines.csv.calls.call import PaidCall
from include.pipelines.csv.input.tables import open_table
from include.pipelines.csv.offers import Offer
from include.pipelines.csv.planning import PlannedTable
from include.pipelines.csv.quota.settings import DAY_S
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.step import Step
from include.warehouse.clock import utc_now
from include.warehouse.connection import Warehouse
from include.warehouse.schema import ensure_tables

SAMPLE_ROWS = 20
_CHARS_A_TOKEN = 4
_UNKNOWN_CHARS = 500
"""Of a generated text that a later step reads, and that is not there yet."""


class _NotPaid(HeadraceError):
    """The answer is not in the store."""


@dataclass
class _Sample:
    """What the rows looked at would ask for."""

    rows: int = 0
    rejected: int = 0
    unpaid: dict[str, dict[str, PaidCall]] = field(default_factory=dict)
    """By service and digest: calls of one digest are one call."""
    found: Counter[str] = field(default_factory=Counter)


class _KeptAnswers:
    """`Calls` that finds answers in the store, and notes the others."""

    def __init__(self, warehouse: Warehouse, offers: Mapping[str, Offer], sample: _Sample, *, force: bool) -> None:
        self._warehouse = warehouse
        self._offers = offers
        self._sample = sample
        self._force = force

    def answer(self, call: PaidCall) -> str:
        """Raises `_NotPaid` where it would be paid for."""
        offer = self._offers.get(call.service)
        if offer is None:
            raise FatalError(f"a step asks the service {call.service!r}, there are {sorted(self._offers)}")
        value = None if self._force else self._look(call.digest, offer)
        if value is None:
            self._sample.unpaid.setdefault(call.service, {})[call.digest] = call
            raise _NotPaid
        self._sample.found[call.service] += 1
        return value

    def _look(self, digest: str, offer: Offer) -> str | None:
        fresh = answers.c.paid_at > utc_now() - offer.service.ttl
        query = sa.select(answers.c.value).where((answers.c.digest == digest) & fresh)
        return self._warehouse.transact("look for a paid answer", lambda c: c.execute(query).scalar(), write=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much goes on at the same time."""

    workers: int
    tasks: int


class Estimator:
    """Of one run. `force` pays again for what is in the store."""

    def __init__(
        self, warehouse: Warehouse, places: Places, steps: Sequence[Step], offers: Mapping[str, Offer], *, force: bool
    ) -> None:
        self._warehouse = warehouse
        self._places = places
        self._steps = steps
        self._offers = offers
        self._sample = _Sample()
        self._calls = _KeptAnswers(warehouse, offers, self._sample, force=force)

    def estimate(self, tables: Sequence[PlannedTable], pace: Pace) -> dict[str, object]:
        """Numbers and names of services only. What rows have in common is counted in the sample, and scaled."""
        ensure_tables(self._warehouse, [answers, leases])
        for row in _sampled(self._places, tables):
            self._look_at(row)
        rows = sum(table.plan.rows - sum(table.plan.faulty.values()) for table in tables)
        scale = rows / self._sample.rows if self._sample.rows else 0.0
        calls = {name: self._requests(name) * scale for name in self._offers}
        prompts = {name: _prompt_tokens(self._unpaid(name)) * scale for name in self._offers}
        texts = {name: _answer_tokens(self._unpaid(name)) * scale for name in self._offers}
        costs = {name: _cost(offer, calls[name], prompts[name], texts[name]) for name, offer in self._offers.items()}
        unknown = sorted(name for name, cost in costs.items() if cost is None)
        return {
            "rows": rows,
            "rows_faulty": sum(sum(table.plan.faulty.values()) for table in tables),
            "rows_sampled": self._sample.rows,
            "sampled_rejected": self._sample.rejected,
            "sampled_found": dict(self._sample.found),
            "calls": {name: ceil(round(count, 6)) for name, count in calls.items()},
            "prompt_tokens": ceil(sum(prompts.values())),
            "answer_tokens_at_most": ceil(sum(texts.values())),
            "cost": None if unknown else round(sum(cost or 0.0 for cost in costs.values()), 4),
            "price_unknown": unknown,
            "minutes": round(self._seconds(calls, prompts, texts, pace) / 60, 2),
        }

    def _look_at(self, row: Row) -> None:
        sample = self._sample
        sample.rows += 1
        given = dict(row.fields)
        for step in self._steps:
            try:
                given |= step.run(row, given, self._calls)
            except _NotPaid:
                given |= dict.fromkeys(step.outputs, "x" * _UNKNOWN_CHARS)
            except (FatalError, TransientError):
                raise
            except RecordRejected:
                sample.rejected += 1
                return
            except Exception as error:  # noqa: BLE001 - a step of the user's own raises whatever it does
                # Its text may quote the row, and its chain holds it.
                reason = rejection_of(error)
                raise FatalError(f"step {step.name}: {reason.message}") from None

    def _unpaid(self, name: str) -> list[PaidCall]:
        return list(self._sample.unpaid.get(name, {}).values())

    def _requests(self, name: str) -> float:
        return sum(1 / call.together.most if call.together is not None else 1.0 for call in self._unpaid(name))

    def _seconds(
        self, calls: Mapping[str, float], prompts: Mapping[str, float], texts: Mapping[str, float], pace: Pace
    ) -> float:
        """By concurrency and latency, or by the quota that takes longest."""
        working_s = sum(count * self._offers[name].latency_s for name, count in calls.items())
        bounds = [working_s / (pace.workers * pace.tasks)]
        for name, offer in self._offers.items():
            told = offer.service.settings
            tokens = prompts[name] + texts[name]
            bounds += [60.0 * calls[name] / told.requests_per_minute] if told.requests_per_minute else []
            bounds += [60.0 * tokens / told.tokens_per_minute] if told.tokens_per_minute else []
            bounds += [DAY_S * (calls[name] // told.requests_per_day)] if told.requests_per_day else []
            bounds += [DAY_S * (tokens // told.tokens_per_day)] if told.tokens_per_day else []
        return max(bounds)


def _sampled(places: Places, tables: Sequence[PlannedTable]) -> Iterator[Row]:
    """The first rows of each table that are in order; as many in all as are looked at."""
    for table in tables[:SAMPLE_ROWS]:
        if table.part is None:
            continue
        most = ceil(SAMPLE_ROWS / len(tables))
        with open_table(places, table.part) as opened:
            sound = (row for row in opened.rows if row.fault is None)
            for row in islice(sound, most):
                yield Row(row.number, table.mapping.fields(row.cells))


def _prompt_tokens(calls: Sequence[PaidCall]) -> float:
    messages = [message for call in calls for message in (call.body or {}).get("messages", ())]
    return sum(len(message["content"]) for message in messages) / _CHARS_A_TOKEN


def _answer_tokens(calls: Sequence[PaidCall]) -> float:
    bodies = [call.body or {} for call in calls]
    return float(sum(body.get("max_tokens", body.get("max_completion_tokens", 0)) for body in bodies))


def _cost(offer: Offer, calls: float, prompt_tokens: float, answer_tokens: float) -> float | None:
    """None where a price is needed and not given."""
    terms = offer.terms
    parts = [
        (calls, terms.price_per_1000_calls, 1000, not (prompt_tokens or answer_tokens)),
        (prompt_tokens, terms.price_per_million_prompt_tokens, 1_000_000, True),
        (answer_tokens, terms.price_per_million_answer_tokens, 1_000_000, True),
    ]
    if any(amount and price is None and needed for amount, price, _, needed in parts):
        return None
    return sum(amount * (price or 0.0) / unit for amount, price, unit, _ in parts)
