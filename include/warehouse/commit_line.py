"""The ledger's part of a commit: who may write, whether it was written already, and the counters."""

from __future__ import annotations

import json

import sqlalchemy as sa

from include.engine.bugs import bugs_among
from include.engine.errors import AttemptSuperseded, LedgerMismatch
from include.engine.model import InsertBatch, Receipt
from include.warehouse.attempt import Cycle
from include.warehouse.clock import utc_now
from include.warehouse.tables import batches

_FENCE = (
    sa.update(batches)
    .where(
        batches.c.cycle_id == sa.bindparam("cycle"),
        batches.c.owner == sa.bindparam("attempt"),
        batches.c.state == "running",
        batches.c.ordinal == sa.bindparam("before"),
    )
    .values(ordinal=batches.c.ordinal + 1)
)

_COUNT = (
    sa.update(batches)
    .where(batches.c.cycle_id == sa.bindparam("cycle"))
    .values(
        records_read=sa.bindparam("read_now"),
        records_written=batches.c.records_written + sa.bindparam("written"),
        records_rejected=batches.c.records_rejected + sa.bindparam("rejected"),
        records_skipped=batches.c.records_skipped + sa.bindparam("skipped"),
        records_settled=batches.c.records_settled + sa.bindparam("settled"),
        records_bugs=batches.c.records_bugs + sa.bindparam("bugs"),
        rejected_by_code=sa.bindparam("codes"),
        skipped_by_reason=sa.bindparam("reasons"),
        warnings=sa.bindparam("tolerated"),
        marks=sa.bindparam("marked"),
        rows_written=batches.c.rows_written + sa.bindparam("row_count"),
        retries=batches.c.retries + sa.bindparam("retried"),
        wall_s=sa.bindparam("elapsed"),
        last_receipt=sa.bindparam("receipt"),
        updated_at=sa.bindparam("now"),
    )
)


def marks_text(marks: int) -> str | None:
    """As the ledger keeps a set of bits."""
    return f"{marks:x}" if marks else None


def marks_from(text: str | None) -> int:
    """The inverse of `marks_text`."""
    return int(text, 16) if text else 0


def fence(connection: sa.Connection, cycle: Cycle, ordinal: int) -> Receipt | None:
    """Take the ordinal, and with it the lock on the batch's line; a receipt when it was committed before.

    Raises `AttemptSuperseded` when another attempt owns the batch.
    """
    bound = {"cycle": cycle.cycle_id, "attempt": cycle.owner, "before": ordinal - 1}
    if connection.execute(_FENCE, bound).rowcount == 1:
        return None
    query = sa.select(batches.c.owner, batches.c.state, batches.c.ordinal, batches.c.last_receipt)
    line = connection.execute(query.where(batches.c.cycle_id == cycle.cycle_id)).one_or_none()
    if line is None or line.owner != cycle.owner or line.state != "running":
        raise AttemptSuperseded(
            f"cycle {cycle.cycle_id} has another owner: nothing of this attempt is written any more"
        )
    if line.ordinal != ordinal:
        raise LedgerMismatch(f"cycle {cycle.cycle_id} stands at ordinal {line.ordinal}, the commit brought {ordinal}")
    written, rejected, skipped, row_count, codes, reasons, warnings, marks = json.loads(line.last_receipt)
    return Receipt(written, rejected, skipped, row_count, codes, reasons, warnings, marks_from(marks), replayed=True)


def count(
    connection: sa.Connection, cycle: Cycle, insert_batch: InsertBatch, receipt: Receipt, before: Receipt
) -> None:
    """Add a commit to the batch's line, which stood at `before`; the ledger shows it with the rows."""
    after = before + receipt
    counts = (receipt.written, receipt.rejected, receipt.skipped, receipt.rows_written)
    names = (dict(receipt.rejected_by_code), dict(receipt.skipped_by_reason), dict(receipt.warnings))
    bound = {
        "cycle": cycle.cycle_id,
        "read_now": cycle.settled.settled + insert_batch.records_read,
        "written": receipt.written,
        "rejected": receipt.rejected,
        "skipped": receipt.skipped,
        "settled": receipt.settled,
        "row_count": receipt.rows_written,
        "retried": insert_batch.retries,
        "elapsed": cycle.wall_s + insert_batch.wall_s,
        "bugs": bugs_among(receipt.rejected_by_code),
        "codes": json.dumps(after.rejected_by_code),
        "reasons": json.dumps(after.skipped_by_reason),
        "tolerated": json.dumps(after.warnings) if after.warnings else None,
        "marked": marks_text(after.marks),
        "receipt": json.dumps([*counts, *names, marks_text(receipt.marks)]),
        "now": utc_now(),
    }
    connection.execute(_COUNT, bound)
