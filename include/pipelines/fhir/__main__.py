"""The command `python -m include.pipelines.fhir views unread FILE…`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from include.pipelines.fhir.check.command import UNCHECKED, UnreadReport, UnreadRequest
from include.warehouse.terminal import run_command

PROGRAM = "python -m include.pipelines.fhir"

UNREAD_HELP = """\
Names the elements that resources hold and no view reads, with the number of resources that hold them. An element counts
as read where some view could read it, whatever its conditions say. Prints paths only, no values.
"""

EXIT_CODES = """\
exit codes:
  0  everything was looked at
  1  a view has mistakes
  2  something could not be read: wrong arguments, a file, a line that is no resource

example:
  python -m include.pipelines.fhir views unread --folder /opt/headrace/views Patient.ndjson Observation.ndjson.gz
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; wrong arguments raise `SystemExit(2)`."""
    given = _parser().parse_args(arguments)
    request = UnreadRequest(tuple(given.file), given.folder, tuple(given.view))
    return UnreadReport(request, sys.stdout, sys.stderr).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Tools of the FHIR pipeline.")
    subjects = parser.add_subparsers(required=True, metavar="SUBJECT")
    views = subjects.add_parser("views", help="view definitions")
    actions = views.add_subparsers(required=True, metavar="ACTION")
    unread = actions.add_parser(
        "unread",
        help="name what resources hold and no view reads",
        description=UNREAD_HELP,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    unread.add_argument("file", metavar="FILE", type=Path, nargs="+", help="NDJSON (.gz too), or .json of one resource")
    unread.add_argument("--folder", type=Path, help="folder of your own view definitions, before the package's")
    unread.add_argument("--view", metavar="NAME", action="append", default=[], help="this view only; may be repeated")
    return parser


if __name__ == "__main__":
    run_command(main, cut_short=UNCHECKED)
