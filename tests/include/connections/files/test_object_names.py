from __future__ import annotations

import pytest

from include.connections.files.object_names import ObjectName, is_object_uri


@pytest.mark.parametrize(
    ("prefix", "uri", "held"),
    [
        ("s3://cases/incoming/", "s3://cases/incoming/a.pdf", True),
        ("s3://cases/incoming", "s3://cases/incoming/b/a.pdf", True),
        ("s3://cases/incoming", "s3://cases/incoming-secret/a.pdf", False),
        ("s3://cases", "s3://cases/a.pdf", True),
        ("s3://cases/", "s3://other/a.pdf", False),
        ("s3://cases/incoming/", "s3://cases/incoming/../secret.pdf", False),
        ("s3://cases/incoming/", "s3://cases/incoming/./a.pdf", False),
        ("s3://cases/incoming/", "s3://cases/a..b/c.pdf", False),
        ("s3://cases/", "s3://cases/a..b/c.pdf", True),
    ],
)
def test_a_folder_holds_what_is_below_it_by_its_plain_name(prefix: str, uri: str, held: bool) -> None:
    assert ObjectName.parse_folder(prefix).holds(ObjectName.parse(uri)) is held


@pytest.mark.parametrize("uri", ["", "s3://", "s3:///a.pdf", "/a.pdf", "https://store.example/a.pdf"])
def test_anything_but_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/key"):
        ObjectName.parse(uri)


def test_a_name_and_its_uri_are_the_same_thing() -> None:
    uri = "s3://cases/a b/\u00e9%20+.pdf"
    assert str(ObjectName.parse(uri)) == uri
    assert str(ObjectName.parse_folder("s3://cases/a").below("b.txt")) == "s3://cases/a/b.txt"
    assert is_object_uri(uri)
    assert not is_object_uri("/s3:/cases")
