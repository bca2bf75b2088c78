from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.csv.steps.template import OWN_TEMPLATES, load_template, parse_template

TEXT = "[system]\nBe short.\n\n[user]\nWrite to {first_name?} at {company}: {{json}} {company?}\n"


def test_a_template_names_its_parts_and_fields() -> None:
    template = parse_template("intro", TEXT)
    assert (template.required, template.optional) == ({"company"}, {"first_name"})
    assert template.messages({"company": " Acme ", "first_name": ""}) == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Write to  at Acme: {json} Acme"},
    ]


@given(st.text())
def test_a_value_goes_in_as_it_is_whatever_braces_it_holds(value: str) -> None:
    made = parse_template("intro", "[user]\n<{company?}>").messages({"company": value})
    assert made[0]["content"] == f"<{value.strip()}>"


@pytest.mark.parametrize("company", ["", "  "])
def test_a_row_without_a_required_field_is_rejected_by_the_fields_name(company: str) -> None:
    with pytest.raises(RecordRejected, match=r"csv\.field_empty: the template intro needs company"):
        parse_template("intro", TEXT).messages({"company": company, "first_name": "Zyxwvut"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Write.", r"takes one \[user\] part"),
        ("[system]\nBe short.", r"takes one \[user\] part"),
        ("Hello\n[user]\nWrite.", r"takes one \[user\] part"),
        ("[user]\na\n[user]\nb", r"takes one \[user\] part"),
        ("[user]\n  \n", r"its \[user\] part is empty"),
        ("[user]\nWrite to {first name}.", r"line 2: a lone \{: write \{field\}, \{field\?\}, or \{\{"),
        ("[user]\n\nWrite }.", r"line 3: a lone \}"),
    ],
)
def test_what_is_wrong_in_a_template_is_told_with_its_place_before_any_row(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_template("intro", text)


def test_templates_are_read_from_their_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "intro.txt").write_text(TEXT)
    (tmp_path / "secret.txt").write_text(TEXT)
    assert load_template(Path("intro.txt"), folder=folder).name == "intro"
    for path in ("../secret.txt", str(tmp_path / "secret.txt")):
        with pytest.raises(SettingsError, match="outside the folder"):
            load_template(Path(path), folder=folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read \(FileNotFoundError\)"),
        (b"[user]\n\xff", r"not UTF-8 \(byte 7\)"),
        (b"x" * 70_000, "larger"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "intro.txt").write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_template(Path("intro.txt"), folder=tmp_path)


def test_the_templates_that_come_along_can_be_loaded() -> None:
    names = [path.name for path in OWN_TEMPLATES.iterdir()]
    assert names
    for name in names:
        assert load_template(Path(name)).required
