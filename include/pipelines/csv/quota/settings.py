"""What one paid service bears, and what happens where it bears no more."""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include.engine.errors import SettingsError

MINUTE_S = 60.0
DAY_S = 86_400.0
COUNTED_LENGTH = 60
"""Of the tables' columns."""

Kind = Literal["requests", "tokens"]
KINDS: tuple[Kind, ...] = ("requests", "tokens")


def quota_name(place: tuple[Kind, float]) -> str:
    """The setting's, of a kind and a window."""
    kind, window_s = place
    return f"{kind}_per_{'minute' if window_s == MINUTE_S else 'day'}"


class EndpointSettings(BaseModel):
    """One service (and one model of it). Times are in seconds. Quotas are of the whole key: `tasks` share them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    name: str = Field(min_length=1, max_length=60, pattern=r"^[^:]+$")
    """In errors and logs, such as `search` or `model`."""
    per_model: str = Field(default="", max_length=200)
    """The model whose limits these are: what other models of this service use is counted apart. Not the key: limits are
    mostly those of the account, and one that is replaced must not set the counts to nothing."""
    tasks: int = Field(default=1, ge=1, le=1000)
    """Mapped tasks that may work at the same time: each keeps to its share."""
    concurrency: int = Field(default=20, ge=1, le=500)
    """Calls of this task that are open at the same time; fewer while the service answers 429."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    requests_per_day: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_day: int | None = Field(default=None, ge=1)

    learn: bool = True
    """Keep to lower limits that the service names in `x-ratelimit-limit-*`."""
    requests_header: Literal["minute", "day"] = "minute"
    """The window that `x-ratelimit-limit-requests` speaks of: a minute for OpenAI, a day for Groq."""
    tokens_header: Literal["minute", "day"] = "minute"
    pause_max_s: float = Field(default=120.0, ge=0, le=3600)
    """Longest time for which the service may close itself by `Retry-After` or `x-ratelimit-reset-*`."""

    busy_share: float = Field(default=0.1, gt=0, le=1)
    """Share of 429s among as many answers as may be open at a time, from which on that number is halved."""

    breaker_calls: int = Field(default=20, ge=2, le=1000)
    """Calls that are looked at: the circuit opens where `breaker_share` of the last so many failed."""
    breaker_share: float = Field(default=0.5, gt=0, le=1)
    open_s: float = Field(default=5.0, gt=0, le=3600)
    """First time that the circuit stays open; doubles with each probe that fails, up to `open_max_s`."""
    open_max_s: float = Field(default=60.0, gt=0, le=3600)
    on_open: Literal["wait", "reject"] = "wait"
    """While the circuit is open, rows wait for it (no longer than their deadline), or are rejected at once."""

    @property
    def counted_as(self) -> str:
        """Under what the tables count: the name, and the model behind a colon; 60 characters at most."""
        text = f"{self.name}:{self.per_model}" if self.per_model else self.name
        if len(text) <= COUNTED_LENGTH:
            return text
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return f"{self.name[: COUNTED_LENGTH - len(digest) - 1]}:{digest}"

    def quotas(self) -> dict[tuple[Kind, float], int | None]:
        """This task's share of each, by kind and window; None is no bound.

        Raises `SettingsError` where there is less to share than tasks.
        """
        totals: dict[tuple[Kind, float], int | None] = {
            ("requests", MINUTE_S): self.requests_per_minute,
            ("requests", DAY_S): self.requests_per_day,
            ("tokens", MINUTE_S): self.tokens_per_minute,
            ("tokens", DAY_S): self.tokens_per_day,
        }
        for place, total in totals.items():
            if total is not None and total < self.tasks:
                raise SettingsError(
                    f"{self.name}: {quota_name(place)} is {total}, less than one for each of {self.tasks} tasks: "
                    "let fewer tasks work at the same time"
                )
        return {place: total // self.tasks if total is not None else None for place, total in totals.items()}

    def header_window_s(self, kind: Kind) -> float:
        """Of the service's own headers."""
        told = self.requests_header if kind == "requests" else self.tokens_header
        return MINUTE_S if told == "minute" else DAY_S
