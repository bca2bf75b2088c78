"""What the two services answer, made from what they are asked: the same question gives the same answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TOKEN_CHARS = 4
_ASKED_ID = re.compile(r'"id"\s*:\s*"([^"]{1,64})"')


def search_answer(question: str, count: int) -> dict[str, Any]:
    """Organic results as Serper gives them."""
    mark = _mark(question)
    results = [
        {
            "title": f"{question} | result {place}",
            "link": f"https://{mark}.example/page/{place}",
            "snippet": f"Fact {place} about {question}: founded in {1950 + int(mark[:2], 16) % 70}, code {mark}.",
            "position": place,
        }
        for place in range(1, count + 1)
    ]
    return {"searchParameters": {"q": question, "type": "search"}, "organic": results, "credits": 1}


def prompt_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The last message, which is what a call is counted by."""
    return str(messages[-1].get("content", "")) if messages else ""


def chat_answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A completion as OpenAI's API gives it; a JSON object where that was asked for."""
    messages = asked.get("messages") or []
    prompt = prompt_of(messages)
    text = _structured(asked, prompt) if "response_format" in asked else _body(prompt)
    prompt_tokens = sum(tokens_of(str(message.get("content", ""))) for message in messages)
    completion_tokens = tokens_of(text)
    return {
        "id": f"chatcmpl-{_mark(prompt)}",
        "object": "chat.completion",
        "model": asked.get("model", ""),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def tokens_of(text: str) -> int:
    """A rough count: four characters each."""
    return len(text) // _TOKEN_CHARS + 1


def _body(prompt: str) -> str:
    return f'"Your work at code {_mark(prompt)} caught my eye. Would a short call next week suit you?"'


def _structured(asked: Mapping[str, Any], prompt: str) -> str:
    form = asked["response_format"].get("json_schema", {}).get("schema", {})
    properties = form.get("properties", {})
    if "items" in properties:
        names = [name for name in properties["items"]["items"]["properties"] if name != "id"]
        ids = dict.fromkeys(_ASKED_ID.findall(prompt))
        items = [{"id": each, **{name: _value(name, prompt + each) for name in names}} for each in ids]
        return json.dumps({"items": items})
    return json.dumps({name: _value(name, prompt) for name in properties or ("text",)})


def _value(name: str, prompt: str) -> str:
    return f"The {name.replace('_', ' ')} for code {_mark(prompt)}."


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
