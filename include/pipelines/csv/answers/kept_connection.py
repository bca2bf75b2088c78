"""A connection of the warehouse that one thread keeps, since it comes back many times a second."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from include.engine.errors import FatalError, HeadraceError, TransientError
from include.warehouse.connection import Warehouse
from include.warehouse.faults import ConstraintViolated

T = TypeVar("T")


class KeptConnection:
    """Opens when first needed, and again after every error. For one thread.

    It obeys no stop: what was paid is written, and what was lent is given back, within `patience_s`.
    """

    def __init__(self, warehouse: Warehouse, patience_s: float) -> None:
        self._warehouse = warehouse
        self._patience_s = patience_s
        self._connection: sa.Connection | None = None

    def transact(self, what: str, work: Callable[[sa.Connection], T], *, write: bool) -> T:
        """As `Warehouse.transact`: `work` may run several times, also after a commit whose answer was lost."""

        def once() -> T:
            try:
                if self._connection is None:
                    self._connection = self._warehouse.connect()
                with self._warehouse.transaction(self._connection, what, write=write):
                    return work(self._connection)
            except ConstraintViolated as error:
                self.close()
                raise FatalError(f"{what}: {error.fault.text}") from None
            except BaseException:
                self.close()
                raise

        try:
            return once()  # what succeeds at once pays nothing for patience
        except TransientError:
            pass
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_delay(self._patience_s),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            reraise=True,
        )
        return retrying(once)

    def close(self) -> None:
        """Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(HeadraceError), self._warehouse.faults("close"):
                connection.close()
