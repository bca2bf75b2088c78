from __future__ import annotations

import io
from pathlib import Path

import pytest

from include.connections.files.growing import GrowingFile
from include.engine.errors import SettingsError


def refused(error: OSError) -> SettingsError:
    return SettingsError(f"kept_folder: {type(error).__name__}")


def test_it_is_all_written_when_it_gets_its_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as raw:
        file = GrowingFile(raw, lambda name: names.append((name, path.read_bytes())), refused)
        names: list[tuple[str, bytes]] = []
        file.write(b"12")
        file.write(b"3")
        file.keep("three")
    assert (names, file.size) == ([("three", b"123")], 3)


def test_what_the_file_system_refuses_is_an_error_of_the_house_and_closing_it_is_none() -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    unbuffered, buffered = (
        GrowingFile(io.BufferedWriter(Full(), size), lambda _: None, refused)  # type: ignore[arg-type]
        for size in (2, 100)
    )
    with pytest.raises(SettingsError, match="kept_folder: OSError"):
        unbuffered.write(b"123")
    buffered.write(b"123")
    with pytest.raises(SettingsError, match="kept_folder: OSError"):
        buffered.keep("a")
    for file in (unbuffered, buffered):
        file.close()
        file.close()
