from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from include.connections.http.exchange import Answer
from include.engine.errors import RecordRejected
from include.pipelines.csv.calls.call import MalformedAnswer, PaidCall
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.research import ResearchClient, ResearchSettings, notes

STEP = ResearchClient(fields=["company", "domain"])


class Told:
    """Calls that are answered with what a service is made to say."""

    def __init__(self, body: Any) -> None:
        self._body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(self, call: PaidCall) -> str:
        headers = httpx2.Headers()
        return call.read(
            Answer(label="x", status=200, headers=headers, body=self._body, url=httpx2.URL("http://127.0.0.1"))
        ).value


def summary(body: Any) -> str:
    given = {"company": "Acme", "domain": "acme.example"}
    return STEP.run(Row(1, given), given, Told(body))["research_summary"]


def test_organic_results_become_notes() -> None:
    organic = [
        {"title": "Acme", "link": "https://acme.example", "snippet": "Pumps\n since 1950.", "position": 1},
        {"title": "Copy", "snippet": "Pumps since 1950."},
        {"title": "News", "snippet": "New plant."},
        {"link": "https://nothing.example"},
        "junk",
    ]
    assert summary({"organic": organic}) == "- Acme: Pumps since 1950. (https://acme.example)\n- News: New plant."


def test_nothing_found_is_an_empty_text() -> None:
    assert summary({"organic": []}) == ""


@pytest.mark.parametrize("body", [{}, {"organic": None}, [], b"<html>", b"\xff", b"[" * 100_000])
def test_an_answer_without_a_list_of_results_is_malformed(body: Any) -> None:
    with pytest.raises(MalformedAnswer, match="search: the answer has no list of organic results"):
        summary(body)


def test_rows_of_one_domain_are_one_call_and_mail_providers_are_no_companies() -> None:
    def digest(company: str, domain: str) -> str:
        return STEP.call({"company": company, "domain": domain}).digest

    assert digest("Acme", "acme.example") == digest("ACME Inc.", "https://www.ACME.example/")
    assert digest("Acme", "jane@gmail.com") == digest(" acme ", "gmail.com") == digest("Acme", "")
    assert digest("Acme", "gmail.com") != digest("Other", "gmail.com")
    assert digest("Acme", "acme.example") != digest("Acme", "other.example")


def test_pages_of_one_network_are_as_many_companies_as_they_name() -> None:
    def asked(company: str, domain: str) -> PaidCall:
        return STEP.call({"company": company, "domain": domain})

    bakery = asked("Acme Bakery", "www.facebook.com/acmebakery")
    plumbing = asked("Beta Plumbing", "www.facebook.com/betaplumbing")
    assert bakery.digest != plumbing.digest
    assert (bakery.body or {})["q"] == "Acme Bakery"
    assert asked("Acme", "de.linkedin.com/company/acme").digest == asked("Acme", "acme@t-online.de").digest
    assert asked("Acme", "acme.wordpress.com").digest != asked("Acme", "").digest
    with pytest.raises(RecordRejected, match="neither a company nor a domain of its own"):
        asked("", "facebook.com/acmebakery")


def test_settings_that_change_the_answer_change_its_key_and_those_of_the_notes_do_not() -> None:
    given = {"domain": "acme.example"}

    def digest(**settings: Any) -> str:
        return ResearchClient(ResearchSettings(**settings), fields=["domain"]).call(given).digest

    assert len({digest(), digest(results=7), digest(country="us"), digest(language="de")}) == 4
    assert digest() == digest(notes_chars=200)


def test_the_request_asks_for_company_and_domain() -> None:
    call = ResearchClient(ResearchSettings(country="us"), fields=["company", "domain"]).call(
        {"company": "Acme", "domain": "www.acme.example"}
    )
    assert (call.path, call.body) == ("/search", {"q": "Acme acme.example", "num": 5, "gl": "us"})


def test_a_row_without_company_and_domain_is_rejected_before_a_call() -> None:
    with pytest.raises(RecordRejected, match=r"csv\.field_empty"):
        STEP.call({"company": " ", "domain": "none"})


def test_notes_keep_whole_lines_within_their_length() -> None:
    results = [{"title": f"Title {number}", "snippet": "s" * 40} for number in range(9)]
    results = [{**result, "snippet": result["snippet"] + str(number)} for number, result in enumerate(results)]
    made = notes(results, 120)
    assert len(made) <= 120
    assert made.count("\n") == 1
    assert notes([{"title": "x" * 500}], 100) == "- " + "x" * 98
