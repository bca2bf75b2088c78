"""`airflow standalone` on loopback only, ending as a whole on SIGTERM.

Two things are missing in Airflow's own command: the scheduler and the triggerer serve logs on every interface of the
machine with no setting to bind them elsewhere (here all logs are local files, so nothing is lost without the server),
and SIGTERM ends the parent alone and leaves its four components behind.
"""

from __future__ import annotations

import signal
from argparse import Namespace

from airflow.cli.commands import standalone_command

LOG_SERVERS = {"scheduler", "triggerer"}


class Component(standalone_command.SubCommand):
    """One of the four processes, without a log server."""

    def __init__(
        self, parent: standalone_command.StandaloneCommand, name: str, command: list[str], env: dict[str, str]
    ) -> None:
        quiet = ["--skip-serve-logs"] if name in LOG_SERVERS else []
        super().__init__(parent, name, [*command, *quiet], env)


def main() -> None:
    """Runs until interrupted; the components are ended and awaited before it returns."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    standalone_command.SubCommand = Component  # the name that `StandaloneCommand.run` looks up
    standalone_command.StandaloneCommand.entrypoint(Namespace())


if __name__ == "__main__":
    main()
