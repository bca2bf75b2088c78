"""Writing: a model's text for a row, made of a template, cleaned and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from include.engine.errors import RecordRejected
from include.pipelines.csv.calls.call import Calls, PaidCall
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.chat import ChatText, estimated_tokens, kept_text, read_chat
from include.pipelines.csv.steps.cleaning import MAX_CHARS, cleaned
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.json_object import json_object
from include.pipelines.csv.steps.several_rows import SeveralRows
from include.pipelines.csv.steps.template import PromptTemplate


class EmailClient:
    """A step that asks a chat API of OpenAI's kind (OpenAI, Groq, vLLM, a local server).

    Rows with the same prompt share one answer. An answer that fails its checks is kept too, and another take is paid
    for, up to `takes`: trying the row again later looks at the same answers, and pays for none of them.
    """

    def __init__(self, template: PromptTemplate, settings: EmailSettings) -> None:
        self._template = template
        self._settings = settings
        self.name = settings.name
        self.outputs = tuple(output.name for output in settings.outputs)
        self.needs = sorted(template.fields)

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> dict[str, str]:
        """Raises `RecordRejected`: `csv.field_empty`, or `csv.answer_unfit` where no take passes the checks."""
        del row
        fault = ""
        for take in range(1, self._settings.takes + 1):
            made, fault = self._judged(kept_text(calls.answer(self.call(given, take))))
            if not fault:
                return made
        raise RecordRejected("csv.answer_unfit", f"{self.name}: after {self._settings.takes} takes, {fault}")

    def call(self, given: Mapping[str, str], take: int = 1) -> PaidCall:
        """One request, for one take."""
        told = self._settings
        messages = self._template.messages(given)
        body: dict[str, Any] = {"model": told.model, "messages": messages, told.max_tokens_field: told.max_tokens}
        if told.temperature is not None:
            body["temperature"] = told.temperature
        if (form := told.response_format()) is not None:
            body["response_format"] = form
        return PaidCall(
            service=told.service,
            identity=(self.name, str(take), json.dumps(body, sort_keys=True)),
            path=told.path,
            body=body,
            read=partial(read_chat, told.service),
            together=self._together(messages, take),
            tokens=estimated_tokens(messages, told.max_tokens),
        )

    def _together(self, messages: list[dict[str, str]], take: int) -> SeveralRows | None:
        """Another take is asked for alone: with others its answer was unfit."""
        if self._settings.rows_per_request == 1 or take > 1:
            return None
        return SeveralRows(self._settings, json.dumps([self.name, messages[:-1]]))

    def _judged(self, answer: ChatText) -> tuple[dict[str, str], str]:
        """The outputs, and what is wrong with them."""
        if answer.finish in ("content_filter", "refusal"):
            return {}, f"the model gave no answer ({answer.finish})"
        if answer.finish == "length":
            return {}, f"the answer was cut at max_tokens ({self._settings.max_tokens})"
        texts, fault = self._texts(answer.text)
        fault = fault or "; ".join(
            f"{name} has {len(text):,} characters, more than {MAX_CHARS:,}"
            for name, text in texts.items()
            if len(text) > MAX_CHARS
        )
        if fault:
            return {}, fault
        made = {name: cleaned(text, greeting=self._settings.strip_greeting) for name, text in texts.items()}
        faults = [found for output in self._settings.outputs if (found := output.fault(made[output.name]))]
        return made, "; ".join(faults)

    def _texts(self, text: str) -> tuple[dict[str, str], str]:
        if self._settings.structured == "none":
            return {self.outputs[0]: text}, ""
        document = json_object(cleaned_json(text))
        if document is None:
            return {}, "the answer is not the JSON object that was asked for"
        if missing := [name for name in self.outputs if not isinstance(document.get(name), str)]:
            return {}, f"the answer has no text for {', '.join(missing)}"
        return {name: document[name] for name in self.outputs}, ""


def cleaned_json(text: str) -> str:
    """From the first brace to the last: some models talk around it."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text
