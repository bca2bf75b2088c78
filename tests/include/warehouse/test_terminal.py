from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from include.warehouse.terminal import run_command

def main():
    print({text})
    return 3

run_command(main, cut_short=2)
"""


def started(text: str) -> subprocess.Popen[bytes]:
    environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", PROGRAM.format(text=text)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_pipe_that_takes_ascii_alone_gets_the_whole_report_and_the_commands_code() -> None:
    out, err = started("'stra\\xdfe'").communicate(timeout=60)
    assert (out, err) == (b"stra\\xdfe\n", b"")


@pytest.mark.parametrize(("text", "code"), [("'short'", 3), ("'x' * 1_000_000", 2)])
def test_a_reader_that_goes_early_ends_the_command_with_a_code_of_its_own_and_no_complaint(
    text: str, code: int
) -> None:
    with started(text) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        if code == 2:
            command.stdout.close()
            assert command.stderr.read() == b""
        else:
            assert command.stdout.read() == b"short\n"
        assert command.wait(60) == code
