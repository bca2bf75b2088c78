"""What was paid for while a run lasted, as the answer store has it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from include.pipelines.csv.answers.tables import answers
from include.warehouse.connection import Warehouse
from include.warehouse.runs import Run, run_line
from include.warehouse.schema import ensure_tables


def paid_in_run(warehouse: Warehouse, run: Run) -> dict[str, dict[str, int]]:
    """Answers and tokens by service, since the run was planned; those of other runs at the same time are among them.

    An answer that was paid again counts once, and calls that brought none do not.
    """
    line = run_line(warehouse, run)
    if line is None:
        return {}
    ensure_tables(warehouse, [answers])
    tokens = sa.func.sum(sa.cast(answers.c.tokens, sa.BigInteger))
    since = datetime.fromisoformat(line["started_at"])
    query = (
        sa.select(answers.c.endpoint, sa.func.count(), tokens)
        .where(answers.c.paid_at >= since)
        .group_by(answers.c.endpoint)
    )
    found = warehouse.transact("count paid answers", lambda connection: connection.execute(query).all(), write=False)
    paid: dict[str, dict[str, int]] = {}
    for counted_as, calls, used in found:
        of_service = paid.setdefault(counted_as.partition(":")[0], {"calls": 0, "tokens": 0})
        of_service["calls"] += int(calls)
        of_service["tokens"] += int(used)
    return paid
