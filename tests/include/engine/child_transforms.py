"""Transforms for the tests of worker processes; loaded in them by name."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from include.engine.divided import Divided
from include.engine.errors import FatalError, RecordRejected, RecordSkipped, TransientError
from include.engine.model import NotedRows, Record, Rows


def one_row(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    return lambda record: {"t": [(record.key, os.getpid(), config.get("word"))]}


def broken_factory(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    raise ValueError("a secret of the patient")


def reject() -> None:
    raise RecordRejected("test.bad", "field x is bad")


def skip() -> None:
    raise RecordSkipped("out_of_scope")


def be_transient() -> None:
    raise TransientError("busy", 0.001)


def be_fatal() -> None:
    raise FatalError("the licence has ended")


def make_noise() -> None:
    os.write(1, b"noise\n" * 100)
    print("noise", flush=True)


def garble() -> None:
    """Announce an answer of a petabyte, on the socket that the process was given."""
    os.write(int(sys.argv[1]), struct.pack("!Q", 1 << 50) + b"..")


ORDERS: dict[str, Callable[[], Any]] = {
    "reject": reject,
    "skip": skip,
    "transient": be_transient,
    "fatal": be_fatal,
    "bug": lambda: int("a secret of the patient"),
    "print": make_noise,
    "garble": garble,
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": os.abort,
    "exit": lambda: os._exit(7),
    "sys.exit": lambda: sys.exit(9),
    "memory": lambda: bytearray(4 * 1024**3),
    "hang": lambda: time.sleep(1000),
    "slow": lambda: time.sleep(0.6),
}


def marked_as_fitted(rows: Rows, key: Any) -> Rows:
    """A fit that travels to the processes; refuses key 3."""
    if key == 3:
        raise RecordRejected("fit.too_long", "t.word")
    return {"t": [(*row, "fitted in", os.getpid()) for row in rows["t"]]}


class Poison:
    """Pickles, and cannot be unpickled."""

    def __reduce__(self) -> Any:
        return int, ("a secret of the patient",)


VALUES: dict[str, Any] = {"poison": Poison(), "unpicklable": lambda: None, "big": "x" * 3_000_000}


def obedient(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    """Does what the payload says, and gives a row of its key, its process and a value."""

    def obey(record: Record) -> Rows:
        ORDERS.get(record.payload, lambda: None)()
        return {"t": [(record.key, os.getpid(), VALUES.get(record.payload))]}

    return obey


def counting(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    """Sleeps as long as the payload says, and leaves a line a run in a file of its process."""

    def run(record: Record) -> Rows:
        with Path(config["folder"], str(os.getpid())).open("a") as file:
            file.write(f"{record.key}\n")
        time.sleep(record.payload)
        return {"t": [(record.key, os.getpid())]}

    return run


def waiting(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    """Leaves a line a run in the file `begun`; where the payload says so, it ends once there is a file `go`."""
    folder = Path(config["folder"])

    def run(record: Record) -> Rows:
        with (folder / "begun").open("a") as file:
            file.write(f"{record.key}\n")
        while record.payload and not (folder / "go").exists():
            time.sleep(0.01)
        return {"t": [(record.key,)]}

    return run


def killed_once(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    """Its process is killed amid the record that the payload marks; another process finds out that it was."""

    def run(record: Record) -> Rows:
        was_killed = Path(config["folder"], str(record.key))
        if record.payload == "killed" and not was_killed.exists():
            was_killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"t": [(record.key, os.getpid())]}

    return run


def echo(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    return lambda record: {"t": [(record.key, record.payload)]}


def holds_the_lock(config: Mapping[str, Any]) -> Callable[[Record], Rows]:
    """Hangs in native code that never gives up the interpreter's lock; first says who it is."""

    def hang(record: Record) -> Rows:
        Path(config["folder"], str(os.getpid())).touch()
        ctypes.PyDLL(None).sleep(1000)
        return {}

    return hang


def joined(parts: Sequence[Rows]) -> Rows:
    """In the order of the parts; refuses to join what says so."""
    rows = [row for part in parts for row in part["t"]]
    if any("merge fails" in row for row in rows):
        raise RecordRejected("test.merge", "the parts do not fit together")
    if any("merge is wrong" in row for row in rows):
        raise ValueError("a secret of the patient")
    return {"t": rows}


def dividing(config: Mapping[str, Any]) -> Callable[[Record], Any]:
    """Divides a list into its items, and does what each says."""

    def divide_or_obey(record: Record) -> Any:
        if isinstance(record.payload, list):
            return Divided(record.payload, joined)
        ORDERS.get(record.payload, lambda: None)()
        if record.payload == "again":
            return Divided(["x"], joined)
        was_busy = Path(config.get("folder", ""), f"{record.key} busy")
        if record.payload == "busy once" and not was_busy.exists():
            was_busy.touch()
            be_transient()
        rows = NotedRows({"t": [(record.key, os.getpid(), record.payload)]})
        rows.is_partial = record.payload == "partial"
        return rows

    return divide_or_obey
