"""The command `python -m include.pipelines.xml contract check FILE`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from include.pipelines.xml.check.command import UNCHECKED, Check, CheckRequest
from include.warehouse.connection import Warehouse
from include.warehouse.terminal import run_command

PROGRAM = "python -m include.pipelines.xml"

CHECK_HELP = """\
Checks a mapping contract before a run does. Prints

  every mistake of the contract, with its place and line; or else
  the tables that it fills, in the order in which they are filled;
  with --against, the differences between these tables and those of a database, as a run would report them;
  with --sample, for each document the rows that it gives or why it is rejected, warnings, columns with a
  path that stayed empty, and paths of the document that hold text which the contract does not read.

The values of samples are printed: they go to your terminal and nowhere else.
"""

EXIT_CODES = """\
exit codes:
  0  nothing is wrong
  1  the contract has mistakes, a table differs or is not there, or a sample is rejected
  2  something could not be checked: wrong arguments, a file that cannot be read, a database that does not answer

example:
  python -m include.pipelines.xml contract check contracts/loans.json \\
    --against headrace_warehouse --sample samples/*.xml
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; wrong arguments raise `SystemExit(2)`."""
    given = _parser().parse_args(arguments)
    request = CheckRequest(given.file, given.against, tuple(given.sample))
    return Check(request, _open_database, sys.stdout, sys.stderr).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Tools of the XML pipeline.")
    subjects = parser.add_subparsers(required=True, metavar="SUBJECT")
    contract = subjects.add_parser("contract", help="mapping contracts")
    actions = contract.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="find mistakes, show the tables, compare with a database, try documents",
        description=CHECK_HELP,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "file", metavar="FILE", type=Path, help="the contract: a JSON file, named as the contract names itself"
    )
    check.add_argument(
        "--against",
        metavar="CONN",
        type=_connection_id,
        help="compare with the database of this Airflow connection (its id); it is only read",
    )
    check.add_argument(
        "--sample",
        metavar="DOC",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="try this XML document, or these; may be given several times",
    )
    return parser


def _connection_id(text: str) -> str:
    # What was given instead may hold a password, so it is not repeated.
    if not re.fullmatch(r"[\w.#!()-]{1,250}", text):
        raise argparse.ArgumentTypeError(
            "give the id of an Airflow connection; the connection itself belongs into Airflow or into AIRFLOW_CONN_<ID>"
        )
    return text


def _open_database(conn_id: str) -> Warehouse:
    # Airflow logs to what is standard output when it is loaded; there the report stands.
    with redirect_stdout(sys.stderr):
        from include.warehouse.airflow_connections import open_in_terminal  # noqa: PLC0415 - Airflow takes seconds to load

        return open_in_terminal(conn_id)


if __name__ == "__main__":
    run_command(main, cut_short=UNCHECKED)
