"""A transform that worker processes can load: named by import path, never pickled."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.engine.errors import SettingsError
from include.engine.ports import Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTransform:
    """Names a factory `Callable[[config], Transform]`; each worker process calls it once, at its start.

    With thread workers the factory is called once and all threads share its transform. Raises
    `SettingsError` when the names or the config cannot cross a process border.
    """

    factory: str
    """`package.module:name`, importable from the project root or `PYTHONPATH`."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The factory's only argument; plain JSON values."""
    memory_limit_bytes: int | None = None
    """Address space of each process (RLIMIT_AS, where there is one); passing it ends the process, not the batch."""
    recycle_after: int = 1000
    """Records after which a process is replaced by a fresh one: native libraries leak."""
    fits_itself: bool = True
    """Rows are fitted in the process; where the fit is slow to load and quick to do, better in the task."""
    start_timeout_s: float = 60.0
    """The longest that a process may take to import the factory and call it."""

    def __post_init__(self) -> None:
        module, _, name = self.factory.partition(":")
        if not module or not name:
            raise SettingsError(f"transform factory {self.factory!r} must be 'package.module:name'")
        if self.recycle_after < 1 or self.start_timeout_s <= 0:
            raise SettingsError("recycle_after and start_timeout_s must be positive")
        try:
            json.dumps(self.config)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"config of {self.factory} must be plain JSON values: {type(error).__name__}") from None

    def load(self) -> Transform:
        """Import the factory and call it, in this process; `SettingsError` when that fails."""
        return load_transform(self.factory, self.config)


def load_transform(factory: str, config: Mapping[str, Any]) -> Transform:
    """Import `package.module:name` and call it with `config`; raises `SettingsError` naming the factory."""
    module, _, name = factory.partition(":")
    try:
        transform: Transform = getattr(importlib.import_module(module), name)(config)
    except Exception as error:
        raise SettingsError(f"transform factory {factory} did not load: {type(error).__name__}") from error
    if not callable(transform):
        raise SettingsError(f"transform factory {factory} gave a {type(transform).__name__}, which cannot be called")
    return transform
