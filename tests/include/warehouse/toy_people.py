"""People: a parent, a child and a grandchild, with short ways to load them and to look at them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from include.engine.model import Batch, InsertBatch, Key, KeyRange, NotedRows, Outcome, Receipt, Rows, Settlement
from include.warehouse.attempt import Attempt, Cycle
from include.warehouse.connection import Warehouse
from include.warehouse.ledger import Ledger
from include.warehouse.schema import prepare
from include.warehouse.sink import WarehouseSink
from include.warehouse.target import Target


def people(
    *, key_type: sa.types.TypeEngine[Any] | None = None, name: str = "people", schema: str | None = None
) -> Target:
    """A parent, a child that carries the key, and a grandchild that is reached through it."""
    metadata = sa.MetaData(schema=schema)
    person = sa.Table(
        "person",
        metadata,
        sa.Column("person_id", key_type or sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.String(50)),
        sa.Column("email", sa.String(50), unique=True),
    )
    contact = sa.Table(
        "contact",
        metadata,
        sa.Column("contact_id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.ForeignKey(person.c.person_id), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
    )
    address = sa.Table(
        "address",
        metadata,
        sa.Column("contact_id", sa.ForeignKey(contact.c.contact_id), nullable=False),
        sa.Column("line", sa.String(20)),
        sa.CheckConstraint("line <> 'forbidden'", name="ck_address_line"),
    )
    return Target(name, "person_id", [address, contact, person])


def lone_people() -> Target:
    """The parent alone, with text keys: Babelfish cannot check foreign keys between columns of a named collation."""
    columns = [sa.Column("person_id", sa.String(20), primary_key=True), sa.Column("name", sa.String(50))]
    return Target("people", "person_id", [sa.Table("person", sa.MetaData(), *columns)])


def lone(settlement: Settlement) -> Settlement:
    """With a row for `lone_people`."""
    settlement.rows = {"person": [(settlement.key, "Ada")]}
    return settlement


def person_rows(key: Key, name: str = "Ada", contacts: int = 2, line: str = "here") -> Rows:
    return {
        "person": [(key, name, f"{key}@example.org")],
        "contact": [(f"{key}-{n}", key, "mail") for n in range(contacts)],
        "address": [(f"{key}-{n}", line) for n in range(contacts)],
    }


def written(key: Key, name: str = "Ada", version: str | None = None, **rows: Any) -> Settlement:
    return Settlement(
        key, Outcome.WRITTEN, rows=person_rows(key, name, **rows), version=version, content_hash=f"{key}/{name}"
    )


def noted(settlement: Settlement, *warnings: str, marks: int = 0) -> Settlement:
    """As it is, with what its transform noticed."""
    settlement.rows = NotedRows(settlement.rows or {}, dict.fromkeys(warnings, 1), marks)
    return settlement


def rejected(key: Key, code: str = "test.bad", version: str | None = None) -> Settlement:
    return Settlement(key, Outcome.REJECTED, rows={}, version=version, code=code, message="field x is wrong")


def skipped(key: Key, reason: str = "out_of_scope") -> Settlement:
    return Settlement(key, Outcome.SKIPPED, code=reason)


def attempt(**changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "pipeline": "toy",
        "target": "people",
        "dag_id": "toy_dag",
        "run_id": "run 1",
        "task_id": "load",
        "batch_index": 0,
        "owner": "owner 1",
        "max_tries": 2,
        "try_number": 1,
    }
    return Attempt(**(values | changes))


def batch(index: int = 0, planned: int = 10) -> Batch:
    return Batch(index, KeyRange(0, planned), planned)


class Loading:
    """One attempt with its sink, and short ways to commit and to look."""

    def __init__(self, warehouse: Warehouse, target: Target, **changes: Any) -> None:
        self.warehouse = warehouse
        self.target = target
        self.retired = prepare(warehouse, "toy", target)
        self.ledger = Ledger(warehouse)
        who = attempt(target=target.name, **changes)
        self.cycle: Cycle = self.ledger.claim(who, batch(who.batch_index), "print 1")
        self.sink = WarehouseSink(warehouse, self.cycle, target, self.retired)
        self.ordinal = 0
        self.read = 0

    def commit(self, *settlements: Settlement) -> Receipt:
        self.ordinal += 1
        self.read += len(settlements)
        return self.sink.commit(InsertBatch(self.ordinal, settlements, self.read))

    @property
    def line(self) -> dict[str, Any]:
        return self.ledger.line(self.cycle.cycle_id)


def fetch(warehouse: Warehouse, query: Any) -> list[tuple[Any, ...]]:
    statement = sa.text(query) if isinstance(query, str) else query
    return warehouse.transact("test", lambda c: [tuple(row) for row in c.execute(statement)], write=False)


def count(warehouse: Warehouse, table: str, where: str = "1 = 1") -> int:
    return int(fetch(warehouse, f"SELECT COUNT(*) FROM {table} WHERE {where}")[0][0])


def execute(warehouse: Warehouse, *statements: str) -> None:
    def work(connection: sa.Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    warehouse.transact("test", work)
