from __future__ import annotations

from include.connections.files.pinned import FilePin
from include.pipelines.csv.input.rows import file_key, row_key


def test_a_rows_key_is_that_of_its_file_as_pinned_and_its_number() -> None:
    pin = FilePin("sha256:x", 7)
    keys = [row_key("a.csv", pin, number) for number in (1, 2, 10, 200_000)]
    assert keys == sorted(keys)
    assert all(key.startswith(file_key("a.csv", pin) + "-") for key in keys)
    assert len({file_key("a.csv", pin), file_key("b.csv", pin), file_key("a.csv", FilePin("sha256:x", 8))}) == 3
