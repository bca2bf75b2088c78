"""What the status of an answer means for the row, the batch and the service's health."""

from __future__ import annotations

import json

from include.connections.http.exchange import PASSING, Answer, ServerFault, TurnedAway
from include.engine.errors import FatalError, HeadraceError, RecordRejected
from include.pipelines.csv.quota.admission import Outcome

_NO_CREDIT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_NO_CREDIT_WORDS = "not enough credits"
_KEY = "its connection's key"


def outcome_of(status: int) -> Outcome:
    """For quotas, concurrency and circuit breaker."""
    if status == 429:
        return Outcome.BUSY
    return Outcome.FAILED if status in PASSING else Outcome.ANSWERED


def complaint(service: str, answer: Answer, retry_after_s: float | None) -> HeadraceError:
    """The error of an answer that is none. Of its body only known codes are looked at; nothing of it travels."""
    status, text = answer.status, f"{service}: {answer.status}"
    if status in (400, 402, 403, 429) and is_out_of_credit(answer.body):
        return FatalError(f"{text}: the account is out of credit: top it up, then clear the task")
    if status == 429:
        return TurnedAway(text, retry_after_s)
    if status in PASSING:
        return ServerFault(text, retry_after_s, status)
    if status < 400:
        return FatalError(f"{text}: it redirects: set the base URL to where it leads")
    fixes = {
        401: f"the service refuses {_KEY}: check it",
        402: "the service wants to be paid: look at the account",
        403: f"{_KEY} may not do this: look at its rights",
        404: "there is nothing at this address, or no such model: check base URL and model",
        405: "there is nothing of the kind at this address: check the base URL",
    }
    if status in fixes:
        return FatalError(f"{text}: {fixes[status]}")
    return RecordRejected("csv.request_refused", f"{text}: the service refuses the request made of this row")


def is_out_of_credit(body: bytes) -> bool:
    """As OpenAI's and Serper's APIs say it; trying again would only fail the same way."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return False
    error = told.get("error", told) if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return False
    return error.get("code") in _NO_CREDIT_CODES or _NO_CREDIT_WORDS in str(error.get("message", "")).lower()
