"""Ways to load SQL Server, side by side: OPENJSON, multi-row VALUES, executemany, bulk copy.

    HEADRACE_TEST_MSSQL_URI=mssql://user:password@host:port/database python -m tests.benchmarks.mssql_loaders [rows]

From the project root. Each way inserts the same rows of 17 columns into a temporary table, in a transaction and a
connection of its own, three times, in turns. A way that the server cannot says so and the others go on.
"""

from __future__ import annotations

import sys

from include.warehouse.server_check.throughput import choice, lines, measure
from tests.benchmarks.figures import machine
from tests.fixtures.t_sql_server import server_warehouse

REPETITIONS = 3


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 1_000, 10_000]
    warehouse = server_warehouse()
    print(machine())
    for count in counts:
        figures = list(measure(warehouse, count, REPETITIONS))
        print(f"\n{count:,} rows a transaction")
        for line in lines(figures, count):
            print(f"  {line}")
        print(f"  choice: {choice(figures)}")


if __name__ == "__main__":
    main()
