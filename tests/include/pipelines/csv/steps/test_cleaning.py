from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.csv.steps.cleaning import cleaned

ROOT = Path(__file__).resolve().parents[5]
CPU_S = 15
"""Many times what is needed where time grows with the length, and a fraction where it grows with its square."""
CLEAN_ALL = f"""
import resource
from include.pipelines.csv.steps.cleaning import MAX_CHARS, cleaned
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))
for unit in ("**a ", "__a ", "[", "![", "[a](", "[a]((b)", "*a ", "_a ", "`a ", " ", "```\\n", "> ", "- ", "Hi "):
    for start in ("", "```\\n", "Sure! Here is "):
        cleaned(start + "a" + unit * (MAX_CHARS // len(unit)) + "a")
"""

TEXT = "Your new plant caught my eye. Shall we talk?"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT,
        f"  {TEXT}\n\n",
        f'"{TEXT}"',
        f"\u201c{TEXT}\u201d",
        f"'{TEXT}'",
        f"```\n{TEXT}\n```",
        f"```text\n{TEXT}\n```",
        f"Sure! Here is the email body:\n\n{TEXT}",
        f"Here's a short email for you:\n\n{TEXT}",
        f"Certainly!\n\n{TEXT}",
        f'Here is the body:\n\n```\n"{TEXT}"\n```',
        f"Subject: Hello there\n\n{TEXT}",
        f"**Subject:** Hello there\n\nHi Jane,\n\n{TEXT}",
        f"Hi Jane,\n\n{TEXT}",
        f"Dear Dr. Jane Doe,\n{TEXT}",
        f"Hello, {TEXT}",
        f"# {TEXT}",
        f"> {TEXT}",
        "Your **new plant** caught my *eye*. Shall we `talk`?",
        "Your __new plant__ caught _my_ eye. [Shall we talk](https://acme.example/a_(b))?",
        "Your\u00a0new plant caught my eye. Shall we talk?",
    ],
)
def test_only_the_text_is_left(raw: str) -> None:
    assert cleaned(raw) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "We sell 3 * 4 = 12 units, and 5 * 2 more.",
        "Use snake_case_names here.",
        'He said "yes" and she said "no"',
        '"Yes" is what we say, not "no"',
        "Dear customers of yours tell us that it works.",
        "Here is what we found about you. It is good: really.",
        "Sure, it works. Here we go again.",
        "First - second - third",
        "High quality matters.",
        "Hello world of finance has changed. We noticed, too.",
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert cleaned(text) == text


def test_paragraphs_and_bullets_stay_with_one_empty_line_at_most() -> None:
    assert cleaned("One.\r\n\r\n\r\n\r\n* two  \n+ three\n\n---\nFour.") == "One.\n\n- two\n- three\n\nFour."


def test_a_greeting_stays_where_it_is_wanted() -> None:
    assert cleaned(f"Hi Jane,\n\n{TEXT}", greeting=False) == f"Hi Jane,\n\n{TEXT}"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**a** and **b c** d", "a and b c d"),
        ("2 ** 3 and **b** ** 4", "2 ** 3 and b ** 4"),
        ("**a ** b**", "a ** b"),
        ("**no partner", "**no partner"),
        ("***both***", "both"),
        ("see [the [plan](https://acme.example) today", "see [the plan today"),
        ("```\n```", ""),
        ("```python", "```python"),
    ],
)
def test_marks_in_pairs_are_taken_off_and_lone_ones_stay(marked: str, plain: str) -> None:
    assert cleaned(marked) == plain


def test_a_text_of_marks_takes_no_more_time_than_its_length_asks_for() -> None:
    """All rows' threads wait meanwhile."""
    assert subprocess.run([sys.executable, "-c", CLEAN_ALL], cwd=ROOT, check=False).returncode == 0


@given(st.text(alphabet=st.sampled_from("ab *_`#>[]()\"'\n-:,!HiDear"), max_size=60))
def test_any_text_is_cleaned_without_an_error_and_never_grows(text: str) -> None:
    assert len(cleaned(text)) <= len(text)
