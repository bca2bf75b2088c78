"""The prompts of several rows in one request to a model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.connections.http.exchange import Answer
from include.pipelines.csv.calls.call import MalformedAnswer, PaidCall, Reading
from include.pipelines.csv.steps.chat import chat_reading, estimated_tokens, kept_text, read_chat
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.json_object import json_object

_ASK = (
    "Below is a JSON list of separate tasks, each with an id and a prompt. Do each on its own, using nothing of the "
    "others, and give back one item for each id."
)


@dataclass(frozen=True, slots=True)
class SeveralRows:
    """`Together` of a step that writes: calls of one system prompt and one take."""

    settings: EmailSettings
    key: str

    @property
    def most(self) -> int:
        """As the settings say."""
        return self.settings.rows_per_request

    def merged(self, calls: Mapping[str, PaidCall]) -> PaidCall:
        """The items' texts come back as if each row had been asked for alone."""
        told = self.settings
        bodies = {name: dict(call.body or {}) for name, call in calls.items()}
        first = next(iter(bodies.values()))
        tasks = [{"id": name, "prompt": body["messages"][-1]["content"]} for name, body in bodies.items()]
        asked = {"role": "user", "content": f"{_ASK}\n{json.dumps(tasks, ensure_ascii=False)}"}
        messages = [*first["messages"][:-1], asked]
        longest = told.max_tokens * len(calls)
        body: dict[str, Any] = {
            **first,
            "messages": messages,
            told.max_tokens_field: longest,
            "response_format": told.several_format(),
        }
        return PaidCall(
            service=told.service,
            identity=(told.name, "together", *(call.digest for call in calls.values())),
            path=told.path,
            body=body,
            read=lambda answer: self._read(answer, calls),
            tokens=estimated_tokens(messages, longest),
        )

    def _read(self, answer: Answer, calls: Mapping[str, PaidCall]) -> Reading:
        try:
            reading = read_chat(self.settings.service, answer)
        except MalformedAnswer:
            return Reading("{}")
        document = json_object(kept_text(reading.value).text) or {}
        found = document.get("items")
        items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
        # An id that comes twice is nobody's.
        counted = Counter(str(item.get("id")) for item in items)
        names = [output.name for output in self.settings.outputs]
        values = {
            str(item["id"]): chat_reading(json.dumps({name: item[name] for name in names}, ensure_ascii=False))
            for item in items
            if counted[str(item.get("id"))] == 1
            and str(item.get("id")) in calls
            and all(isinstance(item.get(name), str) for name in names)
        }
        return Reading(json.dumps(values), reading.tokens)
