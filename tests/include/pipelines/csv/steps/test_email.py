from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from include.connections.http.exchange import Answer
from include.engine.errors import RecordRejected
from include.pipelines.csv.calls.call import MalformedAnswer, PaidCall
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.chat import estimated_tokens
from include.pipelines.csv.steps.checks import OutputCheck
from include.pipelines.csv.steps.email import EmailClient
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.template import parse_template

TEMPLATE = parse_template("intro", "[system]\nBe short.\n[user]\nWrite to {company}.")
BODY = "Your new plant caught my eye. Shall we talk next week?"
GIVEN = {"company": "Acme"}
TWO = (OutputCheck(name="email_body"), OutputCheck(name="personalized_line", min_chars=5))


def completion(content: Any, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"total_tokens": 77}}


class Model:
    """Answers one take after the other, and keeps what it was asked."""

    def __init__(self, *bodies: Any) -> None:
        self._bodies = list(bodies)
        self.calls: list[PaidCall] = []
        self.tokens: list[int | None] = []

    def answer(self, call: PaidCall) -> str:
        self.calls.append(call)
        body = json.dumps(self._bodies[len(self.calls) - 1]).encode()
        headers, url = httpx2.Headers(), httpx2.URL("http://127.0.0.1")
        reading = call.read(Answer(label="x", status=200, headers=headers, body=body, url=url))
        self.tokens.append(reading.tokens)
        return reading.value


def write(model: Model, **settings: Any) -> dict[str, str]:
    step = EmailClient(TEMPLATE, EmailSettings(model="m-1", **settings))
    return step.run(Row(1, GIVEN), GIVEN, model)


def asked(**settings: Any) -> PaidCall:
    return EmailClient(TEMPLATE, EmailSettings(model="m-1", **settings)).call(GIVEN)


def test_the_request_speaks_openais_language() -> None:
    call = asked(temperature=0.2, max_tokens=50)
    assert call.path == "/v1/chat/completions"
    assert call.body == {
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Write to Acme."}],
        "max_tokens": 50,
        "temperature": 0.2,
    }


def test_models_that_name_it_otherwise_or_take_no_temperature_are_served() -> None:
    body = asked(temperature=None, max_tokens_field="max_completion_tokens").body
    assert body is not None
    assert set(body) == {"model", "messages", "max_completion_tokens"}


def test_the_answer_is_cleaned_and_its_tokens_are_known() -> None:
    model = Model(completion(f'Sure! Here is the email:\n\nHi Jane,\n\n"**{BODY}**"'))
    assert write(model) == {"email_body": BODY}
    assert model.tokens == [77]


def test_an_answer_that_fails_the_checks_has_another_take_under_a_key_of_its_own() -> None:
    model = Model(completion(f"{BODY} Best, [Your Name]"), completion(BODY))
    assert write(model) == {"email_body": BODY}
    assert len({call.digest for call in model.calls}) == 2


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (completion(f"{BODY} [Your Name]"), "email_body has a placeholder left in it"),
        (completion(BODY, "length"), r"the answer was cut at max_tokens \(400\)"),
        (completion(None, "content_filter"), r"the model gave no answer \(content_filter\)"),
        (completion(None, refusal="No."), r"the model gave no answer \(refusal\)"),
        (completion("Hi."), "email_body has 3 characters"),
        (completion("**a " * 50_000), "email_body has 200,000 characters, more than 131,072"),
    ],
)
def test_after_the_last_take_the_row_is_rejected_with_what_was_wrong_and_none_of_the_text(
    answer: dict[str, Any], fault: str
) -> None:
    model = Model(*[answer] * 3)
    with pytest.raises(RecordRejected, match=rf"csv\.answer_unfit: email: after 3 takes, {fault}") as caught:
        write(model, takes=3)
    assert BODY not in str(caught.value)
    assert len(model.calls) == 3


@pytest.mark.parametrize(
    "body", [{}, {"choices": []}, {"choices": [{}]}, {"choices": ["x"]}, [1], completion(None), completion(["x"])]
)
def test_an_answer_without_a_message_is_malformed(body: Any) -> None:
    with pytest.raises(MalformedAnswer, match="^model: the answer"):  # noqa: RUF043 - a beginning
        write(Model(body))


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": "many"}, {"total_tokens": -1}, {"total_tokens": 2**40}])
def test_tokens_that_are_not_told_are_not_known(usage: Any) -> None:
    model = Model({**completion(BODY), "usage": usage})
    write(model)
    assert model.tokens == [None]


def test_several_outputs_come_as_structured_output_and_each_is_cleaned_and_checked() -> None:
    text = json.dumps({"email_body": f'"{BODY}"', "personalized_line": "**Nice plant.**", "other": 1})
    model = Model(completion(f"```json\n{text}\n```"))
    made = write(model, outputs=TWO, structured="json_schema")
    assert made == {"email_body": BODY, "personalized_line": "Nice plant."}
    assert model.calls[0].body is not None
    schema = model.calls[0].body["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["email_body", "personalized_line"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("no JSON", "not the JSON object"),
        ("[1]", "not the JSON object"),
        (json.dumps({"email_body": BODY}), "no text for personalized_line"),
        (json.dumps({"email_body": BODY, "personalized_line": 7}), "no text for personalized_line"),
        (json.dumps({"email_body": BODY, "personalized_line": "{x}"}), "personalized_line has 3 characters"),
    ],
)
def test_structured_output_that_is_not_what_was_asked_for_is_no_answer(text: str, fault: str) -> None:
    with pytest.raises(RecordRejected, match=fault):
        write(Model(completion(text)), outputs=TWO, structured="json_object", takes=1)


def test_more_than_one_output_needs_structure() -> None:
    with pytest.raises(ValidationError, match="more than one output needs structured"):
        EmailSettings(model="m", outputs=TWO)
    with pytest.raises(ValidationError, match="same name"):
        EmailSettings(model="m", outputs=(TWO[0], TWO[0]), structured="json_object")


def test_whatever_changes_the_answer_changes_its_key() -> None:
    keys = [
        asked(),
        asked(temperature=0.1),
        asked(max_tokens=7),
        asked(structured="json_object"),
        asked(name="second"),
        EmailClient(TEMPLATE, EmailSettings(model="m-2")).call(GIVEN),
        EmailClient(TEMPLATE, EmailSettings(model="m-1")).call({"company": "Other"}),
    ]
    assert len({call.digest for call in keys}) == len(keys)
    assert asked().digest == asked(strip_greeting=False, takes=5).digest


def test_tokens_are_estimated_on_the_safe_side() -> None:
    messages = [{"role": "user", "content": "word " * 300}]
    assert estimated_tokens(messages, 100) > 300 + 100
    assert asked().tokens >= 400
