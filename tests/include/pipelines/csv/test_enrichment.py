from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.engine.errors import SettingsError
from include.pipelines.csv.enrichment import Enrichment, needed_fields
from include.pipelines.csv.offers import offer_from_connection
from include.pipelines.csv.settings import CsvSettings
from tests.fixtures.csv_task import OWN_STEP


def enrichment(
    model: dict[str, Any] | None = None, search: dict[str, Any] | None = None, **settings: Any
) -> Enrichment:
    extras = {"search": search or {}, "model": {"model": "small"} if model is None else model}
    offers = {
        name: offer_from_connection(name, name, host="https://api.example", extra=extra)
        for name, extra in extras.items()
    }
    return Enrichment(CsvSettings(**settings), offers)


def test_a_model_with_structured_output_writes_both_texts_and_another_the_body_alone() -> None:
    assert enrichment().outputs == ("research_summary", "email_body")
    structured = enrichment({"model": "small", "structured": "json_schema"})
    assert structured.outputs == ("research_summary", "email_body", "personalized_line")


def test_the_settings_go_before_the_connection() -> None:
    assert enrichment({"model": "small", "max_tokens": 7}, email={"max_tokens": 9}).email.max_tokens == 9


def test_a_step_of_your_own_takes_its_place_among_the_others() -> None:
    mixed = enrichment(steps=("research", OWN_STEP))
    assert mixed.outputs == ("research_summary", "email_body", "score")
    assert mixed.faults() == []


def test_a_template_of_your_own_folder_goes_first(tmp_path: Path) -> None:
    (tmp_path / "first_contact.txt").write_text("[user]\nTo {company}")
    assert enrichment(template_folder=tmp_path).template.user == "To {company}"
    assert enrichment(template_folder=tmp_path / "elsewhere").template.user != "To {company}"


def test_a_file_may_lack_what_the_template_can_do_without() -> None:
    whole = enrichment()
    assert whole.optional == {"first_name"}
    assert needed_fields(whole.steps({"domain"}), whole.optional) == ["domain", "company"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": ("mail",)}, "'mail' is neither research nor email nor module:name"),
        ({"steps": ("no.such:Step",)}, r"no\.such:Step cannot be made \(ModuleNotFoundError\)"),
        ({"steps": ("include.pipelines.csv.row:Row",)}, r"cannot be made \(TypeError\)"),
        ({"steps": ("collections:Counter",)}, "is no step: it has no name, outputs, needs, run"),
        ({"template": "none.txt"}, "template none.txt cannot be read"),
        ({"email": {"max_tokens": 0}, "research": {"results": 0}}, "research: results: "),
        ({"model": {}}, "email: model: Field required"),
        ({"model": {"model": "small", "modle": 1}}, "email: modle: no such field"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence_each(settings: dict[str, Any], message: str) -> None:
    faults = enrichment(**settings).faults()
    with pytest.raises(SettingsError, match=message):
        raise SettingsError("; ".join(faults))
    assert len(faults) == (2 if "research" in settings else 1)


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"model": "large"}},
        {"search": {"results": 3}},
        {"email": {"temperature": 0.1}},
        {"steps": ("email",)},
        {"steps": ("research", "email", OWN_STEP)},
    ],
)
def test_whatever_decides_what_a_row_gets_is_in_the_digest(change: dict[str, Any]) -> None:
    assert enrichment().digest == enrichment(workers=3).digest
    assert enrichment(**change).digest != enrichment().digest


def test_the_words_of_the_template_are_in_the_digest(tmp_path: Path) -> None:
    (tmp_path / "first_contact.txt").write_text("[user]\nTo {company}")
    assert enrichment(template_folder=tmp_path).digest != enrichment().digest
