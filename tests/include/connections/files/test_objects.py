from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from include.connections.files import objects
from include.connections.files.location import ObjectPin
from include.connections.files.object_names import ObjectName
from include.connections.files.objects import ObjectStore
from include.connections.files.opening import opened
from include.engine.errors import RecordRejected, SettingsError, TransientError
from tests.fixtures.object_store import SECRET, ObjectServer

BODY = b"%PDF-1.7 " + b"x" * 100_000
INCOMING = "s3://cases/incoming/"


@pytest.fixture
def store(s3: ObjectServer) -> ObjectStore:
    return ObjectStore(s3.client(), [INCOMING])


@pytest.mark.parametrize("name", ["a.pdf", "sub/a b+c%20d.pdf", "\u00e9\u4e16.pdf"])
def test_an_object_is_looked_up_and_its_link_gives_its_bytes(s3: ObjectServer, store: ObjectStore, name: str) -> None:
    etag = s3.put(f"incoming/{name}", BODY)
    found = store(INCOMING + name)
    assert (found.etag, found.size) == (etag, len(BODY))
    with opened(found) as file:
        assert file.read() == BODY
    assert SECRET not in found.url
    assert found.url not in repr(found)


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (f"{INCOMING}none.pdf", "file.missing"),
        (INCOMING, "file.missing"),
        ("s3://", "file.missing"),
        ("s3://cases/incoming-other/a.pdf", "file.outside_roots"),
        ("s3://cases/a.pdf", "file.outside_roots"),
        (f"{INCOMING}../a.pdf", "file.outside_roots"),
        ("s3://other/incoming/a.pdf", "file.outside_roots"),
    ],
)
def test_what_is_not_there_or_not_allowed_is_rejected(
    s3: ObjectServer, store: ObjectStore, uri: str, code: str
) -> None:
    for key in ("a.pdf", "incoming-other/a.pdf"):
        s3.put(key, BODY)
    asked = s3.asked.total()
    with pytest.raises(RecordRejected) as caught:
        store(uri)
    assert caught.value.code == code
    assert code == "file.missing" or s3.asked.total() == asked, "nobody learns what is there"


def test_a_pin_that_is_whole_saves_the_question_and_holds_what_is_read(s3: ObjectServer, store: ObjectStore) -> None:
    etag = s3.put("incoming/a.pdf", BODY)
    found = store(f"{INCOMING}a.pdf", ObjectPin(etag, len(BODY)))
    assert s3.asked["HEAD", "a.pdf"] == 0
    s3.put("incoming/a.pdf", BODY[:-1] + b"y")
    with pytest.raises(RecordRejected, match=r"file\.source_changed"), opened(found):
        pass


def test_a_pin_without_a_size_is_compared_with_what_is_there(s3: ObjectServer, store: ObjectStore) -> None:
    etag = s3.put("incoming/a.pdf", BODY)
    assert store(f"{INCOMING}a.pdf", ObjectPin(etag, None)).size == len(BODY)
    with pytest.raises(RecordRejected, match=r"file\.source_changed"):
        store(f"{INCOMING}a.pdf", ObjectPin('"other"', None))


def test_a_body_that_ends_early_is_transient(s3: ObjectServer, store: ObjectStore) -> None:
    s3.put("incoming/a.pdf", BODY)
    s3.order("cut", "a.pdf")
    with pytest.raises(TransientError, match="the body ended after"), opened(store(f"{INCOMING}a.pdf")):
        pass


def test_a_refusal_is_the_documents_and_throttling_is_tried_again(s3: ObjectServer, store: ObjectStore) -> None:
    s3.put("incoming/a.pdf", BODY)
    s3.order("denied", "a.pdf", method="HEAD", times=1)
    with pytest.raises(RecordRejected, match=r"file\.denied"):
        store(f"{INCOMING}a.pdf")
    s3.order("slow_down", "a.pdf", method="HEAD", times=1)
    with pytest.raises(TransientError, match="the store answered 503"):
        store(f"{INCOMING}a.pdf")


def test_what_is_listed_comes_page_by_page_with_pins_that_fit(
    s3: ObjectServer, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_LIST_KEYS", 2)
    etags = {f"incoming/{name}.pdf": s3.put(f"incoming/{name}.pdf", BODY) for name in "edcba"}
    s3.put("incoming-other/a.pdf", BODY)
    s3.order("slow_down", "cases", times=1)
    found = list(store.listed(ObjectName.parse(INCOMING)))
    assert [one.name.key for one in found] == sorted(etags)
    assert {one.name.key: one.pin for one in found} == {key: ObjectPin(etags[key], len(BODY)) for key in etags}
    assert all(abs(one.modified - datetime.now(UTC)) < timedelta(minutes=5) for one in found)
    assert s3.asked["GET", "cases"] == 4, "one was throttled, three gave pages"


def test_files_are_kept_found_read_in_part_and_removed(s3: ObjectServer, store: ObjectStore) -> None:
    name = ObjectName("cases", "work/copy")
    assert not store.has(name)
    etag = store.put(name, io.BytesIO(b"0123456789"))
    assert store.has(name)
    part = io.BytesIO(b"what was here before")
    store.copy_range(name, etag, 2, 6, part)
    assert part.getvalue() == b"2345"
    with pytest.raises(RecordRejected, match=r"file\.source_changed"):
        store.copy_range(name, '"other"', 2, 6, part)
    store.remove(name)
    store.remove(name)
    assert not store.has(name)


def test_an_object_is_copied_whole_and_one_that_is_cut_short_once_again(s3: ObjectServer, store: ObjectStore) -> None:
    s3.put("work/copy", BODY)
    s3.order("cut", "copy", times=1)
    copy = io.BytesIO(b"what was here before" * 10_000)
    store.copy(ObjectName("cases", "work/copy"), copy)
    assert copy.getvalue() == BODY
    with pytest.raises(RecordRejected, match=r"file\.missing"):
        store.copy(ObjectName("cases", "work/none"), copy)


def test_what_lies_in_folders_below_can_be_left_out_of_a_listing(
    s3: ObjectServer, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_LIST_KEYS", 2)
    for name in ("a", "b/c", "b/d", "e/f", "g"):
        s3.put(f"incoming/{name}", b"x")
    found = store.listed(ObjectName.parse(INCOMING), nested=False)
    assert [one.name.key for one in found] == ["incoming/a", "incoming/g"]


def test_a_part_that_is_cut_short_once_is_read_again(s3: ObjectServer, store: ObjectStore) -> None:
    etag = s3.put("work/copy", b"0123456789")
    s3.order("cut", "copy", times=1)
    part = io.BytesIO()
    store.copy_range(ObjectName("cases", "work/copy"), etag, 0, 10, part)
    assert part.getvalue() == b"0123456789"


def test_a_store_that_is_not_there_is_transient_and_no_credentials_are_a_mistake_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    nowhere = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="eu-central-1",
        aws_access_key_id="a",
        aws_secret_access_key=SECRET,
        config=config,
    )
    with pytest.raises(TransientError, match="EndpointConnectionError") as caught:
        ObjectStore(nowhere, [INCOMING])(f"{INCOMING}a.pdf")
    assert caught.value.__cause__ is None

    class NoCredentials:
        def head_object(self, **_: str) -> None:
            raise objects.NoCredentialsError

    with pytest.raises(SettingsError, match="has no credentials"):
        ObjectStore(NoCredentials(), [INCOMING])(f"{INCOMING}a.pdf")


def test_a_prefix_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="s3_prefixes"):
        ObjectStore(None, ["cases/incoming/"])
