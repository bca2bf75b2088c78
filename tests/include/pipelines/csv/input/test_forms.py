from __future__ import annotations

import pytest

from include.engine.errors import FatalError
from include.pipelines.csv.input.forms import CsvForm, SheetForm, TableForm, form_text, parse_form


@pytest.mark.parametrize("form", [CsvForm("utf-16-le", 2, "\t", "\r\n", 104), SheetForm(2)])
def test_a_form_comes_back_from_its_text(form: TableForm) -> None:
    assert parse_form(form_text(form)) == form
    assert len(form_text(form)) < 60


@pytest.mark.parametrize("text", ["", "[]", "{}", '["csv",1]', '["xlsx"]'])
def test_another_text_is_none(text: str) -> None:
    with pytest.raises(FatalError, match="plan it again"):
        parse_form(text)
