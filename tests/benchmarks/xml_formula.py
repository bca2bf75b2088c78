"""Formulas alone: µs an evaluation and a term, by kind of term.

    python -m tests.benchmarks.xml_formula [--seconds 0.2]

A term is one comparison, LIKE, IN, IS or DATEADD. Every formula has ten conditions, none of which holds for the row, so
each evaluation pays for all of them. Each figure is the best of five runs in this process, over rows that are
values already: reading the document is the affair of `xml_parse_map`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from include.pipelines.xml.formula.language import Evaluate, FieldRef, compile_formula, parse_formula
from include.pipelines.xml.language.column_types import parse_type
from tests.benchmarks.figures import machine, table

OWN: dict[str, tuple[str, object]] = {
    "status": ("string(10)", "open"),
    "purpose": ("string(80)", "first home, to live in, with a garden and a view"),
    "term": ("int", 360),
    "amount": ("decimal(12,2)", Decimal("250000.00")),
    "rate": ("float", 4.25),
    "opened": ("date", date(2026, 1, 31)),
    "score": ("int", None),
}
OTHER: dict[str, tuple[str, object]] = {"state": ("string(2)", "NY"), "limit": ("decimal(12,2)", Decimal(1000))}
FRAMES = (tuple(value for _, value in OWN.values()), tuple(value for _, value in OTHER.values()))

CONDITIONS = {
    "field = text": ("status = 'closed {i}'", 1),
    "field < decimal": ("amount < {i}", 1),
    "field < float": ("rate > {i}0.5", 1),
    "field > field": ("term > amount", 1),
    "of another table": ("app.state = 'X{i}'", 1),
    "NULL": ("score = {i}", 1),
    "IN three texts": ("status IN ('a{i}', 'b', 'c')", 1),
    "NOT IN three texts": ("status NOT IN ('open', 'b', 'c{i}')", 1),
    "LIKE 'a%'": ("purpose LIKE 'a{i}%'", 1),
    "LIKE '%a%b_c%'": ("purpose LIKE '%home%liv_{i}%'", 1),
    "IS EMPTY": ("purpose IS EMPTY", 1),
    "DATEADD day, <": ("DATEADD(day, {i}, opened) < DATE '2020-01-01'", 2),
    "DATEADD month, <": ("DATEADD(month, {i}, opened) < DATE '2020-01-01'", 2),
    "AND, OR, NOT": ("NOT term = 360 AND rate > 1 OR (amount < {i} OR status = 'x') AND term > 5", 3),
}
"""By kind: the condition, and how many of its terms are evaluated."""


def resolve(name_table: str | None, column: str) -> FieldRef:
    """Of the two rows above."""
    columns, frame = (OWN, 0) if name_table is None else (OTHER, 1)
    return FieldRef(parse_type(columns[column][0]), frame, list(columns).index(column))


def formula(condition: str) -> str:
    """Ten conditions that do not hold."""
    whens = " ".join(f"WHEN {condition.format(i=number)} THEN {number}" for number in range(1, 11))
    return f"CASE {whens} ELSE 0 END"


def compiled(text: str) -> Evaluate:
    """Of a whole column."""
    return compile_formula(parse_formula(text), resolve, parse_type("int"))


def best_s(evaluate: Evaluate, seconds: float) -> float:
    """Seconds an evaluation."""

    def runs() -> Iterator[float]:
        for _ in range(5):
            done, started = 0, time.process_time()
            while (spent := time.process_time() - started) < seconds / 5:
                for _ in range(500):
                    evaluate(FRAMES)
                done += 500
            yield spent / done

    return min(runs())


def main() -> None:
    """Print a Markdown table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=0.2, help="of each figure")
    seconds: float = arguments.parse_args().seconds
    rows = []
    for name, (condition, terms) in CONDITIONS.items():
        evaluate = compiled(formula(condition))
        if evaluate(FRAMES) != 0:
            raise SystemExit(f"{name}: a condition holds, so not all terms are paid for")
        cost = 1e6 * best_s(evaluate, seconds)
        rows.append((name, 10 * terms, f"{cost:.2f}", f"{cost / (10 * terms):.3f}"))
    text = formula(CONDITIONS["AND, OR, NOT"][0])
    compiled(text)  # the grammar, once a process
    started = time.process_time()
    compiled(text)
    once = 1e3 * (time.process_time() - started)
    print(f"{machine()}\n\n{table(('term', 'terms', 'µs a formula', 'µs a term'), rows)}")
    print(f"\nParse and compile one formula of 50 terms: {once:.1f} ms")


if __name__ == "__main__":
    main()
