from __future__ import annotations

import pytest

from include.pipelines.csv.steps.checks import OutputCheck

CHECK = OutputCheck(name="email_body", min_chars=10, max_chars=200)
GOOD = "Your work on pumps caught my eye. "


@pytest.mark.parametrize(
    "placeholder",
    [
        "[Your Name]",
        "[Company]",
        "{first_name}",
        "{{company}}",
        "<your name>",
        "<Company>",
        "XXX",
        "____",
        "lorem ipsum",
    ],
)
def test_a_placeholder_that_is_left_is_found(placeholder: str) -> None:
    assert CHECK.fault(f"{GOOD}Best, {placeholder}") == "email_body has a placeholder left in it"


@pytest.mark.parametrize("text", [GOOD, f"{GOOD}Prices fell <5 % and > 3.", f"{GOOD}See [1] for it.", f"{GOOD}MXXXI."])
def test_what_is_no_placeholder_is_none(text: str) -> None:
    assert CHECK.fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot write this e-mail.",
        "As an AI language model, I have no view.",
        "Unfortunately, I am unable to do so.",
    ],
)
def test_a_refusal_is_no_answer(text: str) -> None:
    assert CHECK.fault(text) == "email_body refuses instead of answering"


@pytest.mark.parametrize(("length", "fits"), [(9, False), (10, True), (200, True), (201, False)])
def test_lengths_are_bounds_and_the_fault_tells_no_text(length: int, fits: bool) -> None:
    fault = CHECK.fault("y" * length)
    assert (fault is None) is fits
    assert "yy" not in (fault or "")
