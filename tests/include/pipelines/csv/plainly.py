"""What must become of rows: one after the other, each answer made where it is asked for, nothing shared or kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import httpx2

from include.connections.http.exchange import Answer
from include.engine.errors import RecordRejected
from include.pipelines.csv.calls.call import PaidCall
from include.pipelines.csv.enrichment import Enrichment
from include.pipelines.csv.output.formulas import neutralised_in_csv
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.runner import run_steps
from include.sandbox.web_apis_content import chat_answer, search_answer


class PlainCalls:
    """The answers of the sandbox's services without the services."""

    def answer(self, call: PaidCall) -> str:
        asked = call.body or {}
        document = search_answer(asked["q"], asked["num"]) if call.service == "search" else chat_answer(asked)
        body, url = json.dumps(document).encode(), httpx2.URL("http://127.0.0.1")
        return call.read(Answer(label="plain", status=200, headers=httpx2.Headers(), body=body, url=url)).value


def plainly(enrichment: Enrichment, rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The generated columns and `error` of each row, as a file has them; `rows` are mapped fields."""
    found: list[dict[str, str]] = []
    for number, fields in enumerate(rows, 1):
        made, error = dict.fromkeys(enrichment.outputs, ""), ""
        try:
            made |= run_steps(enrichment.steps(fields), Row(number, fields), PlainCalls())
        except RecordRejected as rejected:
            error = str(rejected)
        found.append({name: neutralised_in_csv(text, ",") for name, text in made.items()} | {"error": error})
    return found
