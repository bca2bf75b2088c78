"""`contract check`: everything about a contract that can be known before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from include.engine.errors import HeadraceError, SettingsError
from include.pipelines.xml.check.report import described_sample, described_together
from include.pipelines.xml.check.sample import Sample, SampleReader
from include.pipelines.xml.check.tables import described_tables
from include.pipelines.xml.check.text import counted
from include.pipelines.xml.language.contract import Contract
from include.pipelines.xml.language.files import read_contract
from include.pipelines.xml.pipeline import NAME
from include.pipelines.xml.tables import target_of
from include.warehouse.connection import Warehouse
from include.warehouse.schema import compare
from include.warehouse.target import Target

SOUND, FAULTY, UNCHECKED = 0, 1, 2
"""Exit codes. `UNCHECKED` outranks `FAULTY`: there may be more that is wrong."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What was asked for."""

    file: Path
    against: str | None = None
    """Id of an Airflow connection."""
    samples: tuple[Path, ...] = ()


@dataclass(slots=True)
class Check:
    """One call of the command."""

    request: CheckRequest
    open_database: Callable[[str], Warehouse]
    """Called at most once, with the connection's id; may raise anything, also with secrets in its message."""
    out: TextIO
    """The report."""
    errors: TextIO
    """What kept a part of the check from being made."""
    code: int = field(default=SOUND, init=False)

    def run(self) -> int:
        """The exit code."""
        contract = self._contract()
        if contract is None:
            return self.code
        try:
            target = target_of(contract)
        except SettingsError as error:
            self._print([f"contract {self.request.file.name}: {error}"], FAULTY)
            return self.code
        self._print(described_tables(contract, target))
        if self.request.against is not None:
            self._compare(self.request.against, target)
        self._try_samples(contract, target)
        return self.code

    def _contract(self) -> Contract | None:
        """None for one that cannot be read or has mistakes."""
        file = self.request.file
        try:
            file.open("rb").close()
        except OSError as error:
            self._fail(f"{file}: {error.strerror}")
            return None
        try:
            contract = read_contract(file)
        except SettingsError as error:
            self._print([str(error)], FAULTY)
            return None
        if file.name != f"{contract.contract}.json":
            fault = f"it calls itself {contract.contract}; name file and contract alike"
            self._print([f"contract {file.name}: {fault}"], FAULTY)
            return None
        return contract

    def _compare(self, conn_id: str, target: Target) -> None:
        try:
            warehouse = self.open_database(conn_id)
            differences = compare(warehouse, NAME, target)
        except HeadraceError as error:
            self._fail(f"--against {conn_id}: {error}")
        except ImportError as error:
            self._fail(f"--against {conn_id}: {error}; connections are Airflow's, which must be installed")
        except Exception as error:  # noqa: BLE001 - of Airflow or a driver, and its message may hold a password
            self._fail(f"--against {conn_id}: {type(error).__name__}")
        else:
            leaves_out = target.schema is not None and not warehouse.dialect.has_schemas
            without = f", without schema {target.schema}: {warehouse.name} has none" if leaves_out else ""
            if not differences:
                self._print(["", f"The database of {conn_id} has these tables, as declared{without}."])
                return
            title = f"The database of {conn_id} shows {counted(len(differences), 'difference')}:"
            hint = "  (A run creates tables that are not found, and their schema, unless create_tables is false.)"
            self._print(["", title, *(f"  {difference}" for difference in differences), hint], FAULTY)

    def _try_samples(self, contract: Contract, target: Target) -> None:
        reader = SampleReader(contract, target)
        samples: list[Sample] = []
        for path in self.request.samples:
            try:
                sample = reader.read(path)
            except OSError as error:
                self._fail(f"{path}: {error.strerror}")
                continue
            samples.append(sample)
            self._print(["", *described_sample(sample, contract, target)], FAULTY if sample.reject else SOUND)
        self._print(described_together(samples))

    def _print(self, lines: Iterable[str], code: int = SOUND) -> None:
        self.out.writelines(f"{line}\n" for line in lines)
        self.code = max(self.code, code)

    def _fail(self, message: str) -> None:
        # Else what stands before it in the report comes after it on a terminal.
        self.out.flush()
        self.errors.write(f"error: {message}\n")
        self.code = UNCHECKED
