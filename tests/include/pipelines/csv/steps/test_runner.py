from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from include.engine.errors import RecordRejected, SettingsError
from include.pipelines.csv.calls.call import Calls, PaidCall, Reading
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.email import EmailClient
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.research import ResearchClient
from include.pipelines.csv.steps.runner import check_steps, run_steps
from include.pipelines.csv.steps.step import Step
from include.pipelines.csv.steps.template import OWN_TEMPLATES, load_template
from include.sandbox.web_apis import WebApis
from include.warehouse.connection import Warehouse
from tests.include.pipelines.csv.paying import paid_calls, services


class ScoreLookup:
    """What a user writes to add a step: one class in one file."""

    name = "score"
    outputs = ("score",)
    needs = ("email_body",)

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> dict[str, str]:
        del row
        question = str(len(given["email_body"]))
        call = PaidCall(
            service="search",
            path="/search",
            identity=(self.name, question),
            body={"q": question},
            read=lambda answer: Reading(str(len(answer.body))),
        )
        return {"score": calls.answer(call)}


class Broken:
    name, outputs, needs = "broken", ("note",), ()

    def run(self, row: Row, given: Mapping[str, str], calls: Calls) -> dict[str, str]:
        raise RecordRejected("mine.bad", "no")


def own_steps() -> list[Step]:
    template = load_template(next(OWN_TEMPLATES.glob("first_contact.txt")))
    return [
        ResearchClient(fields=["company", "domain"]),
        EmailClient(template, EmailSettings(model="m")),
        ScoreLookup(),
    ]


def test_a_row_goes_through_all_steps_and_the_next_run_pays_nothing(warehouse: Warehouse) -> None:
    fields = {"company": "Acme", "domain": "acme.example", "first_name": "Jane"}
    with WebApis() as apis:
        made = []
        for owner in ("one", "two"):
            with paid_calls(warehouse, services(apis.origin), owner) as calls:
                made.append(run_steps(own_steps(), Row(1, fields), calls.for_row(60)))
    assert made[0] == made[1]
    assert list(made[0]) == ["research_summary", "email_body", "score"]
    assert made[0]["email_body"].startswith("Your work at code")
    assert len(apis.log.calls("search")) == 2
    assert len(apis.log.calls("model")) == 1
    assert made[0]["research_summary"] in apis.log.calls("model")[0].content


def test_outputs_are_named_in_their_order_and_fields_are_checked_before_any_row() -> None:
    fields = ["company", "domain", "first_name"]
    assert check_steps(own_steps(), fields) == ("research_summary", "email_body", "score")


@pytest.mark.parametrize(
    ("steps", "fields", "message"),
    [
        ([ScoreLookup()], ["company"], "step score needs email_body: map a column to it"),
        ([Broken()], ["note"], "step broken: note is there already"),
        ([Broken(), Broken()], ["x"], "there are two steps broken; step broken: note is there already"),
        (list(reversed(own_steps())), ["company", "domain", "first_name"], "step email needs research_summary"),
    ],
)
def test_steps_that_do_not_fit_are_told_all_at_once(
    steps: Sequence[Step], fields: Collection[str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        check_steps(steps, fields)


def test_the_first_step_that_fails_is_the_rows_error(warehouse: Warehouse) -> None:
    with (
        paid_calls(warehouse, services("http://127.0.0.1:1")) as calls,
        pytest.raises(RecordRejected, match=r"mine\.bad"),
    ):
        run_steps([Broken(), ScoreLookup()], Row(1, {}), calls.for_row(60))
