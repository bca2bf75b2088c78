from __future__ import annotations

import pytest

from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.engine.errors import SettingsError, SourceChanged
from include.engine.model import Batch, LineRange
from include.pipelines.pdf.manifest.pinned import plan_pinned, read_pinned
from include.pipelines.pdf.manifest.pinned_objects import ObjectPins
from tests.fixtures.object_store import ObjectServer
from tests.include.pipelines.pdf.entries import document

DOCUMENTS = [document(f"{number}.pdf", metadata={"n": "\u00e9\n"}) for number in range(25)]


@pytest.fixture
def pins(s3: ObjectServer) -> ObjectPins:
    return ObjectPins(ObjectStore(s3.client(), []), ObjectName("cases", "work/"))


def part_of(batch: Batch) -> LineRange:
    assert isinstance(batch.part, LineRange)
    return batch.part


def test_every_batch_reads_its_own_lines_of_the_copy(s3: ObjectServer, pins: ObjectPins) -> None:
    batches = plan_pinned(DOCUMENTS, pins, 10, 0)
    assert plan_pinned(DOCUMENTS, pins, 10, 0) == batches
    (key,) = s3.keys("work/")
    assert key == f"work/{part_of(batches[0]).uri}"
    s3.order("slow_down", part_of(batches[0]).uri, times=1)
    assert [one for batch in batches for one in read_pinned(pins, part_of(batch))] == DOCUMENTS


@pytest.mark.parametrize("how", ["changed", "gone", "denied"])
def test_a_copy_that_was_touched_ends_the_batch(s3: ObjectServer, pins: ObjectPins, how: str) -> None:
    part = part_of(plan_pinned(DOCUMENTS, pins, 10, 0)[1])
    key = f"work/{part.uri}"
    if how == "changed":
        s3.put(key, s3.get(key).replace(b"3.pdf", b"4.pdf"))
    elif how == "gone":
        s3.client().delete_object(Bucket="cases", Key=key)
    else:
        s3.order("denied", part.uri)
    with pytest.raises(SourceChanged, match="trigger a new run"):
        next(read_pinned(pins, part))


def test_a_bucket_that_takes_no_copy_is_named(s3: ObjectServer) -> None:
    pins = ObjectPins(ObjectStore(s3.client(), []), ObjectName("other-bucket", ""))
    with pytest.raises(SettingsError, match="work_folder does not take the manifest's copy"):
        plan_pinned(DOCUMENTS, pins, 10, 0)
