"""The compiled plan beside a mapping by hand of the same contract: CPU µs a document, and their ratio, by size.

    python -m tests.benchmarks.xml_contract [--documents 20] [--rounds 60]

The contract is the tests' lending_full (293 columns, 19 tables, every feature of the language); documents come from
`xml_contract_documents`, the mapping by hand is `lending_by_hand`. Both must give equal rows and warnings for every
document before anything is timed. Each round takes every document with each of the two in turn, in one thread, and the
least time of a document over all rounds counts: what else the machine does only ever adds. A document is mapped from a
tree that was parsed before, and again from its bytes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from include.engine.model import NotedRows
from include.pipelines.xml.document.parser import DocumentParser, ParseLimits
from include.pipelines.xml.language.files import read_contract
from include.pipelines.xml.mapping.compile import compile_contract
from include.pipelines.xml.tables import target_of
from include.warehouse.fit import Fitter
from tests.benchmarks.figures import machine, table
from tests.benchmarks.lending_by_hand.mapping import map_by_hand
from tests.benchmarks.xml_contract_documents import FIXTURES, lending_file

SIZES_BYTES = (4_000, 30_000, 145_000)
FIRST_KEY, SEED = 8_000_001, 1

Work = Callable[[], object]


def exactly(rows: NotedRows) -> list[object]:
    """Equal only where tables and their order, types, values and offsets are; with the warnings."""
    return [
        [(name, [[_exactly(value) for value in row] for row in found]) for name, found in rows.items()],
        rows.warnings,
    ]


def _exactly(value: Any) -> tuple[type, Any, str]:
    return type(value), value, value.isoformat() if isinstance(value, date) else ""


class Bench:
    """Both mappings and what is before and behind them."""

    def __init__(self) -> None:
        contract = read_contract(FIXTURES / "lending_full.json")
        self.plan = compile_contract(contract)
        self.fit = Fitter(target_of(contract), "sqlite")
        self.parser = DocumentParser(ParseLimits())

    def work(self, document: bytes, key: int) -> dict[str, Work]:
        """What is timed of one document, by name."""
        parse, plan, fit = self.parser.parse, self.plan.rows, self.fit
        root = parse(document)
        rows = plan(root, key)
        return {
            "plan": lambda: plan(root, key),
            "by hand": lambda: map_by_hand(root, key),
            "parse, plan": lambda: plan(parse(document), key),
            "parse, by hand": lambda: map_by_hand(parse(document), key),
            "fit": lambda: fit(rows, key),
        }

    def check(self, document: bytes, key: int) -> NotedRows:
        """The rows, on which both must agree."""
        rows = self.plan.rows(self.parser.parse(document), key)
        if exactly(rows) != exactly(map_by_hand(self.parser.parse(document), key)):
            raise SystemExit(f"document {key} of {len(document)} bytes: the two mappings differ")
        self.fit(rows, key)
        return rows


def least_us(works: Sequence[dict[str, Work]], rounds: int) -> dict[str, float]:
    """Mean over the documents of each one's least time."""
    least = [dict.fromkeys(work, float("inf")) for work in works]
    for _ in range(rounds):
        for work, best in zip(works, least, strict=True):
            for name, run in work.items():
                run()  # the caches are this one's own
                started = time.thread_time()
                run()
                best[name] = min(best[name], time.thread_time() - started)
    return {name: 1e6 * sum(best[name] for best in least) / len(least) for name in least[0]}


def main() -> None:
    """Print two Markdown tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=20, help="of each size")
    arguments.add_argument("--rounds", type=int, default=60)
    options = arguments.parse_args()
    bench = Bench()
    figures, contents = [], []
    for size in SIZES_BYTES:
        name = f"{size // 1000} KB"
        documents = {key: lending_file(key, SEED, size) for key in range(FIRST_KEY, FIRST_KEY + options.documents)}
        contents.append(
            (name, *_content(documents, [bench.check(document, key) for key, document in documents.items()]))
        )
        least = least_us([bench.work(document, key) for key, document in documents.items()], options.rounds)
        ratios = least["plan"] / least["by hand"], least["parse, plan"] / least["parse, by hand"]
        figures.append((name, *(f"{cost:.0f}" for cost in least.values()), *(f"{ratio:.2f}" for ratio in ratios)))
    head = ("documents", "plan", "by hand", "parse, plan", "parse, by hand", "fit", "ratio", "ratio with parse")
    print(f"{machine()}\n\n{table(head, figures)}")
    print(f"\n{table(('documents', 'bytes', 'elements', 'tables', 'rows', 'values'), contents)}")


def _content(documents: dict[int, bytes], mapped: Iterable[NotedRows]) -> tuple[str, ...]:
    """Means of what the documents hold."""
    rows = [[row for found in tables.values() for row in found] for tables in mapped]
    sums = (
        sum(map(len, documents.values())),
        sum(document.count(b"</") + document.count(b"/>") for document in documents.values()),
        sum(map(len, mapped)),
        sum(map(len, rows)),
        sum(value is not None for found in rows for row in found for value in row),
    )
    return tuple(f"{total / len(documents):,.0f}" for total in sums)


if __name__ == "__main__":
    main()
