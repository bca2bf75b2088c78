from __future__ import annotations

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.input.cells import SheetCell
from include.pipelines.csv.input.mapping import map_columns


def test_columns_are_given_or_guessed_and_the_mapping_says_which() -> None:
    header = ["Id", "Company_Name", "Web Site", "Kontakt"]
    mapping = map_columns(header, {"first_name": "kontakt"}, ["company", "domain", "first_name"])
    assert mapping.columns == {"company": "Company_Name", "domain": "Web Site", "first_name": "Kontakt"}
    assert mapping.guessed == {"company", "domain"}
    assert str(mapping) == (
        "company from 'Company_Name' (guessed), domain from 'Web Site' (guessed), first_name from 'Kontakt'"
    )
    cells = ["7", " Acme ", SheetCell(3.0, "n", "General"), "Ann"]
    assert mapping.fields(cells) == {"company": "Acme", "domain": "3", "first_name": "Ann"}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["website", "domain"], "domain"),
        (["URL", "Homepage"], "Homepage"),
        (["DOMAIN", "domain"], "DOMAIN"),
        (["E-Mail", "Company Domain"], "Company Domain"),
    ],
)
def test_of_several_common_names_the_plainest_is_taken(header: list[str], column: str) -> None:
    assert map_columns(header, {}, ["domain"]).columns["domain"] == column


def test_any_field_may_be_mapped_and_what_nobody_asked_for_comes_along_where_its_name_is_common() -> None:
    mapping = map_columns(["crm id", "industry", "misc"], {"crm": "CRM ID"}, [])
    assert mapping.columns == {"crm": "crm id", "industry": "industry"}


def test_a_column_that_was_given_for_one_field_is_not_guessed_for_another() -> None:
    assert map_columns(["name"], {"company": "name"}, ["company"]).columns == {"company": "name"}


def test_every_fault_is_told_at_once_before_anything_is_called() -> None:
    header = ["Firm name", "error", "Mail", "mail"]
    with pytest.raises(SettingsError) as caught:
        map_columns(header, {"company": "Firm nam", "email": "MAIL"}, ["domain", "company"], ["error"], ["Id", "error"])
    text = str(caught.value)
    for fault in (
        "company: there is no column 'Firm nam', 'Firm name' perhaps",
        "email: there is no column 'MAIL'",
        "domain: no column goes by such a name",
        "column 'error' is to be generated, and is there already",
        "kept columns: there is no column 'Id'",
        "The file has 4 columns, known among them: none; its first row must name the columns",
    ):
        assert fault in text


def test_the_first_row_of_a_file_without_a_header_is_not_shown() -> None:
    first = ["Jane Doe", "jane@secret.example", "HIV positive"]
    with pytest.raises(SettingsError, match="first row must name the columns") as caught:
        map_columns(first, {"email": "Mail"}, ["company"], (), ["Id"])
    assert not [word for value in first for word in value.split() if word in str(caught.value)]


def test_a_generated_column_may_replace_one_that_is_not_kept() -> None:
    assert map_columns(["company", "error"], {}, ["company"], ["error"], ["company"]).places == {"company": 0}
