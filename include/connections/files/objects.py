"""Files in S3: only below the prefixes that the settings allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from include.connections.files.fetch import refusal
from include.connections.files.location import ObjectPin, RemoteFile
from include.connections.files.object_names import ObjectName
from include.connections.files.patience import patiently
from include.engine.errors import RecordRejected, SettingsError, TransientError

S3Client: TypeAlias = Any
"""A client of boto3, which has no annotations. Its own retries should be off: they would multiply with the house's."""

LINK_S = 12 * 3600
"""How long a presigned URL opens its object, unless the credentials that signed it run out before."""

_LIST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing has it."""

    name: ObjectName
    pin: ObjectPin
    modified: datetime
    """When it arrived, or was replaced last; with its time zone."""


class ObjectStore:
    """Finds, lists and keeps objects through one client, which threads may share.

    Its errors name no URL: `RecordRejected` and `TransientError` as reading a file does, `SettingsError` without
    credentials.
    """

    def __init__(self, client: S3Client, prefixes: Sequence[str]) -> None:
        """`prefixes` are the `s3://bucket/prefix/` below which files may be read."""
        self._client = client
        try:
            self._allowed = [ObjectName.parse_folder(prefix) for prefix in prefixes]
        except ValueError:
            raise SettingsError("s3_prefixes: write each as s3://bucket/prefix/") from None

    def __call__(self, path: str, pin: ObjectPin | None = None, /) -> RemoteFile:
        """The object's presigned URL; asks the store for size and ETag where the pin does not know them."""
        name = self.allowed(path)
        found = pin if pin is not None and pin.size is not None else self._looked_up(name, pin)
        with store_faults():
            params = {"Bucket": name.bucket, "Key": name.key}
            url = self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=LINK_S)
        return RemoteFile(str(url), found.etag, found.size or 0)

    def allowed(self, uri: str) -> ObjectName:
        """Its name; raises `RecordRejected` (`file.outside_roots`), whether it is there or not."""
        try:
            name = ObjectName.parse(uri)
        except ValueError:
            raise RecordRejected("file.missing", "the path is no s3://bucket/key") from None
        if not any(prefix.holds(name) for prefix in self._allowed):
            raise RecordRejected("file.outside_roots", "the path leads outside the prefixes of the setting s3_prefixes")
        return name

    def listed(self, prefix: ObjectName, *, nested: bool = True) -> Iterator[ListedObject]:
        """What the store has below a prefix, by key in UTF-8 order, a page of a thousand in memory.

        `nested`: also what lies in folders below it.
        """
        where: dict[str, Any] = {"Bucket": prefix.bucket, "Prefix": prefix.key, "MaxKeys": _LIST_KEYS}
        where |= {} if nested else {"Delimiter": "/"}
        while True:
            page = patiently(lambda: self._ask("list_objects_v2", **where))
            for found in page.get("Contents", ()):
                name = ObjectName(prefix.bucket, found["Key"])
                yield ListedObject(name, ObjectPin(found["ETag"], found["Size"]), found["LastModified"])
            if not page.get("IsTruncated"):
                return
            where["ContinuationToken"] = page["NextContinuationToken"]

    def put(self, name: ObjectName, file: IO[bytes]) -> str:
        """Keep a file from its beginning, whole or not at all; gives its ETag."""

        def once() -> str:
            file.seek(0)
            return str(self._ask("put_object", Bucket=name.bucket, Key=name.key, Body=file)["ETag"])

        return patiently(once)

    def copy(self, name: ObjectName, file: IO[bytes]) -> None:
        """Write all of an object to a file, from its beginning."""
        self._copy({"Bucket": name.bucket, "Key": name.key}, None, file)

    def copy_range(self, name: ObjectName, etag: str, start: int, end: int, file: IO[bytes]) -> None:
        """Write the bytes `[start, end)` of this very state of an object to a file, from its beginning."""
        what = {"Bucket": name.bucket, "Key": name.key, "IfMatch": etag, "Range": f"bytes={start}-{end - 1}"}
        self._copy(what, end - start, file)

    def has(self, name: ObjectName) -> bool:
        """Whether the object is there."""
        try:
            patiently(lambda: self._looked_up(name, None))
        except RecordRejected as fault:
            if fault.code != "file.missing":
                raise
            return False
        return True

    def remove(self, name: ObjectName) -> None:
        """Harmless for one that is not there."""
        patiently(lambda: self._ask("delete_object", Bucket=name.bucket, Key=name.key))

    def _copy(self, what: Mapping[str, str], size: int | None, file: IO[bytes]) -> None:
        """`size`: bytes that must come; None: as many as the answer says."""

        def once() -> None:
            file.seek(0)
            file.truncate()
            with store_faults():
                answer = self._client.get_object(**what)
                for chunk in answer["Body"].iter_chunks(256 * 1024):
                    file.write(chunk)
            expected = int(answer["ContentLength"]) if size is None else size
            if file.tell() != expected:
                raise TransientError(f"the body ended after {file.tell()} of {expected} bytes")

        patiently(once)

    def _looked_up(self, name: ObjectName, pin: ObjectPin | None) -> ObjectPin:
        head = self._ask("head_object", Bucket=name.bucket, Key=name.key)
        found = ObjectPin(str(head["ETag"]), int(head["ContentLength"]))
        if pin is not None and pin.etag != found.etag:
            raise refusal(412)
        return found

    def _ask(self, operation: str, **what: object) -> Mapping[str, Any]:
        with store_faults():
            answer: Mapping[str, Any] = getattr(self._client, operation)(**what)
        return answer


@contextmanager
def store_faults() -> Iterator[None]:
    """Errors of the store come out as the house's own; none is chained, for the texts may name credentials."""
    try:
        yield
    except ClientError as error:
        about = error.response.get("ResponseMetadata", {})
        headers = about.get("HTTPHeaders", {})
        raise refusal(int(about.get("HTTPStatusCode", 0)), headers.get("retry-after")) from None
    except NoCredentialsError:
        raise SettingsError("s3_conn_id: the connection has no credentials, and the machine has none") from None
    except BotoCoreError as error:
        raise TransientError(f"the store did not answer: {type(error).__name__}") from None
