from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.pipelines.xml.settings import XmlSettings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"change_date_column": None}, "without_change_date"),
        ({"without_change_date": "skip_unchanged"}, "give one of the two"),
        ({"change_date_column": None, "without_change_date": "reload"}, "above_watermark"),
        (
            {
                "change_date_column": None,
                "without_change_date": "skip_unchanged",
                "window_start": "2024-01-01",
                "window_end": "2024-01-02",
            },
            "need a change_date_column",
        ),
        ({"contract": "../x"}, "pattern"),
        ({"contract": "/etc/x"}, "pattern"),
        ({"key_list": "a b"}, "pattern"),
        ({"key_list": "a", "open_rejects_only": True}, "exclude each other"),
        ({"key_list": "a", "key_lower": 1}, "leave key_lower and key_upper empty"),
        ({"open_rejects_only": True, "key_upper": 1}, "leave key_lower and key_upper empty"),
        (
            {"key_list": "a", "window_start": "2024-01-01", "window_end": "2024-01-02"},
            "leave the window empty",
        ),
        ({"key_lower": 2**63}, "key_lower"),
        ({"key_lower": True}, "key_lower"),
        ({"key_upper": ""}, "key_upper"),
        ({"key_upper": "x" * 201}, "200"),
        ({"fallback_encoding": "rot13"}, "not the name of a character set"),
        ({"max_document_bytes": 1}, "1024"),
        ({"max_depth": 1001}, "1000"),
        ({"colour": "red"}, "Extra"),
    ],
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        XmlSettings.model_validate(values)


def test_the_defaults_are_those_of_the_sample_table() -> None:
    settings = XmlSettings()
    assert (settings.source_table, settings.key_column, settings.xml_column) == ("app_xml", "app_id", "xml")
    assert not settings.skip_unchanged


def test_the_trigger_form_cannot_choose_tables_folders_or_connections() -> None:
    fields = XmlSettings.model_json_schema()["properties"]
    offered = {name for name, field in fields.items() if field.get("param")}
    assert {"contract", "key_lower", "key_upper", "key_list", "batch_size", "dry_run", "force"} <= offered
    assert not {name for name in offered if name.startswith("source_") or "folder" in name or name.endswith("_column")}


def test_every_field_is_described_for_the_form() -> None:
    fields = XmlSettings.model_json_schema()["properties"]
    assert [name for name, field in fields.items() if not field.get("description")] == []
