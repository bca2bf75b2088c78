"""The calls that a service saw: what each asked, when it came and how it ended."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from include.sandbox.web_apis_quotas import most_in_any_window


@dataclass(slots=True)
class Call:
    """One request. Moments are wall time in seconds since 1970, so that other processes can compare."""

    api: str
    content: str
    """The question of a search; the last message to a model."""
    arrived: float
    tokens: int = 0
    """Used by its answer."""
    status: int = 0
    """0: none yet, or the connection was broken."""
    fault: str = "none"
    """How it was made to fail."""
    paid: bool = False
    """The work was done, whether its answer arrived or not."""
    answered: float = 0.0
    """When the answer was sent; 0 where none was."""


class CallLog:
    """Read it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def begin(self, api: str, content: str, now: float) -> Call:
        """A request came."""
        call = Call(api, content, now)
        with self._lock:
            self._calls.append(call)
        return call

    def calls(self, api: str | None = None) -> list[Call]:
        """In the order of arrival."""
        with self._lock:
            return [call for call in self._calls if api in (None, call.api)]

    def paid(self, api: str) -> Counter[str]:
        """How often each content was paid for."""
        return Counter(call.content for call in self.calls(api) if call.paid)

    def open_at_most(self, api: str) -> int:
        """The most paid calls that were open at one moment."""
        steps = [(call.arrived, 1) for call in self.calls(api) if call.paid]
        steps += [(call.answered, -1) for call in self.calls(api) if call.paid and call.answered]
        most = now_open = 0
        for _, step in sorted(steps):
            now_open += step
            most = max(most, now_open)
        return most

    def most_requests(self, api: str, window_s: float) -> int:
        """In any window, refused ones included."""
        return most_in_any_window([(call.arrived, 1) for call in self.calls(api)], window_s)

    def most_tokens(self, api: str, window_s: float) -> int:
        """In any window, by arrival."""
        return most_in_any_window([(call.arrived, call.tokens) for call in self.calls(api)], window_s)

    def to_json(self) -> list[dict[str, Any]]:
        """Every call."""
        return [asdict(call) for call in self.calls()]
