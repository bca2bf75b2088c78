"""Names of objects and prefixes in S3."""

from __future__ import annotations

from dataclasses import dataclass

SCHEME = "s3://"

S3_URI_PATTERN = r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?$"
"""A bucket, and whatever may be a key or the beginning of keys."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """A bucket and a key, or the beginning of keys: what S3 takes for a folder ends in a slash."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> ObjectName:
        """Of `s3://bucket/key`; raises `ValueError` for anything else."""
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not bucket:
            raise ValueError("not s3://bucket/key")
        return cls(bucket, key)

    @classmethod
    def parse_folder(cls, uri: str) -> ObjectName:
        """As `parse`, for a prefix: `incoming` must not mean `incoming-other` too, so it ends in a slash."""
        name = cls.parse(uri)
        return name if not name.key or name.key.endswith("/") else cls(name.bucket, f"{name.key}/")

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def below(self, name: str) -> ObjectName:
        """An object in this folder."""
        return ObjectName(self.bucket, self.key + name)

    def holds(self, other: ObjectName) -> bool:
        """Whether the other one is in this folder, by its plain name: S3 knows no `..`, others on the way may."""
        plain = not {".", ".."}.intersection(other.key.split("/"))
        return plain and other.bucket == self.bucket and other.key.startswith(self.key)


def is_object_uri(place: str) -> bool:
    """Whether this names something in S3; else it is a path."""
    return place.startswith(SCHEME)
