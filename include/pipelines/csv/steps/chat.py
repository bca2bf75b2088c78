"""A request to a chat API of OpenAI's kind, and its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from include.connections.http.exchange import Answer
from include.pipelines.csv.calls.call import MalformedAnswer, Reading
from include.pipelines.csv.steps.json_object import json_object

_BYTES_A_TOKEN = 3
"""On the safe side: English has four and more, other scripts two to three."""
_TOKENS_A_MESSAGE = 8


@dataclass(frozen=True, slots=True)
class ChatText:
    """What is kept of an answer."""

    text: str = field(repr=False)
    finish: str
    """`stop`, `length` where it was cut, `content_filter` or `refusal` where there is none."""


def estimated_tokens(messages: Sequence[dict[str, str]], max_tokens: int) -> int:
    """Question and the longest answer, rather too many."""
    asked = sum(len(message["content"].encode("utf-8", "replace")) for message in messages)
    return asked // _BYTES_A_TOKEN + _TOKENS_A_MESSAGE * len(messages) + max_tokens


def read_chat(service: str, answer: Answer) -> Reading:
    """The first choice, as `kept_text` reads it back. Raises `MalformedAnswer`."""
    document = json_object(answer.body)
    choices = document.get("choices") if document else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if document is None or not isinstance(first, dict) or not isinstance(message, dict):
        raise MalformedAnswer(f"{service}: the answer has no message among its choices")
    finish, content = first.get("finish_reason"), message.get("content")
    if message.get("refusal"):
        finish, content = "refusal", ""
    if not isinstance(content, str) and finish not in ("content_filter", "refusal", "length"):
        raise MalformedAnswer(f"{service}: the answer's message has no content")
    text = content if isinstance(content, str) else ""
    return Reading(chat_reading(text, str(finish or "stop")), _tokens(document))


def chat_reading(text: str, finish: str = "stop") -> str:
    """The value that is kept of a text."""
    return json.dumps({"text": text, "finish": finish}, ensure_ascii=False)


def kept_text(value: str) -> ChatText:
    """Of the store."""
    kept = json.loads(value)
    return ChatText(kept["text"], kept["finish"])


def _tokens(document: dict[str, Any]) -> int | None:
    usage = document.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and 0 <= total < 2**31 else None
