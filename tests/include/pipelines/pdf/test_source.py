from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from include.connections.files.location import Location, ObjectPin, RemoteFile
from include.connections.files.roots import LocalRoots
from include.engine.errors import TransientError
from include.engine.model import Batch, KeyListRange
from include.pipelines.pdf.content.work import DocumentWork
from include.pipelines.pdf.manifest.model import ManifestDocument
from include.pipelines.pdf.manifest.pinned import LocalPins
from include.pipelines.pdf.source import ManifestSource, record_of
from tests.include.pipelines.pdf.entries import PROJECT, document, key_of

REMOTE = RemoteFile("https://store.example/a.pdf", '"x"', 5)


def test_a_record_says_where_the_bytes_are_and_holds_none(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-")
    record = record_of(document("a.pdf", metadata={"b": 1}, language="deu"), LocalRoots([folder]), 5)
    assert (record.key, record.size, record.fault) == (str(key_of("a.pdf")), 5, None)
    work = record.payload
    assert isinstance(work, DocumentWork)
    assert (work.project_uuid, work.file_path, work.language, work.metadata) == (
        str(PROJECT),
        "a.pdf",
        "deu",
        '{"b": 1}',
    )


def test_what_cannot_be_located_or_is_too_large_settles_with_its_cause(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-")
    faults = [record_of(document(name), LocalRoots([folder]), 4).fault for name in ("a.pdf", "none.pdf", "/x")]
    assert [fault.code if fault else None for fault in faults] == [
        "pdf.too_large",
        "file.missing",
        "file.outside_roots",
    ]


def test_a_place_that_cannot_be_told_at_once_is_asked_for_again_and_then_given_up() -> None:
    asked: list[str] = []

    def locate(file_path: str, pin: ObjectPin | None = None, /) -> Location:
        asked.append(file_path)
        if len(asked) < 3:
            raise TransientError("slow down", 0.0)
        return REMOTE

    assert record_of(document("a.pdf"), locate, 10).payload.location is REMOTE

    def never(file_path: str, pin: ObjectPin | None = None, /) -> Location:
        raise TransientError("slow down", 0.0)

    fault = record_of(document("a.pdf"), never, 10).fault
    assert fault is not None
    assert (fault.code, fault.message) == ("gave_up.transient", "it could not be located: slow down")


def test_what_an_entry_says_of_its_object_goes_to_whoever_locates_it() -> None:
    seen: list[ObjectPin | None] = []

    def locate(file_path: str, pin: ObjectPin | None = None, /) -> Location:
        seen.append(pin)
        return REMOTE

    for fields in ({}, {"bytes": 5}, {"etag": "abc"}, {"etag": '"abc"', "bytes": 5}):
        record_of(document("a.pdf", **fields), locate, 10)
    assert seen == [None, None, ObjectPin('"abc"', None), ObjectPin('"abc"', 5)]


def test_a_manifest_is_read_no_further_than_to_the_last_of_the_keys(folder: Path) -> None:
    names = [f"{number}.pdf" for number in range(9)]
    for name in names:
        (folder / name).write_bytes(b"%PDF-")
    read: list[str] = []

    def documents() -> Generator[ManifestDocument]:
        try:
            for name in names:
                read.append(name)
                yield document(name)
        finally:
            read.append("closed")

    keys = {str(key_of("1.pdf")), str(key_of("3.pdf"))}
    source = ManifestSource(LocalPins(folder), documents, LocalRoots([folder]), lambda _: keys, 10)
    found = list(source.read(Batch(0, KeyListRange("mine", 0, 2), 2)))
    assert [record.key for record in found] == [str(key_of("1.pdf")), str(key_of("3.pdf"))]
    assert read == [*names[:4], "closed"]
