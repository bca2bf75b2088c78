"""What a step is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from include.pipelines.csv.calls.call import Calls
from include.pipelines.csv.row import Row


class Step(Protocol):
    """Makes new columns of a row. One instance serves all threads."""

    @property
    def name(self) -> str:
        """Unique among the steps; part of the key under which its paid answers are kept."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """The columns that it makes, in their order in the output."""
        ...

    @property
    def needs(self) -> Collection[str]:
        """The fields that it reads: mapped ones, or outputs of earlier steps. Checked before any row is read."""
        ...

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> Mapping[str, str]:
        """A value for each of `outputs`; `given` holds the row's fields and the outputs of earlier steps.

        Paid services are reached by `calls` only: it keeps answers, quotas, the row's deadline and patience. Raises
        `RecordRejected` (the row gets that error), `TransientError`, `FatalError` (ends the batch).
        """
        ...
