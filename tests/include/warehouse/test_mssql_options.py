from __future__ import annotations

import pytest

from include.engine.errors import SettingsError
from include.warehouse.mssql_options import driver_options


def test_every_query_and_login_has_a_time_limit_and_the_program_a_name() -> None:
    assert driver_options("w", {}) == ({"login_timeout": 15, "timeout": 300, "appname": "headrace"}, None)


def test_what_a_uri_says_as_text_reaches_the_driver_as_it_takes_it() -> None:
    extra = {"timeout": "60", "encryption": "Require", "tds_version": "7.4", "read_only": "true", "table_schema": "dw"}
    options, schema = driver_options("w", {**extra, "sqlalchemy_scheme": "mssql+pymssql"})
    assert options == {
        "login_timeout": 15,
        "timeout": 60,
        "appname": "headrace",
        "encryption": "require",
        "tds_version": "7.4",
        "read_only": True,
    }
    assert schema == "dw"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"timeout": 0}, "timeout takes 1 to 86400 seconds"),
        ({"timeout": "9" * 5000}, "timeout takes 1 to 86400 seconds"),
        ({"timeout": "soon"}, "timeout takes 1 to 86400 seconds"),
        ({"login_timeout": None}, "login_timeout takes 1 to 86400 seconds"),
        ({"encryption": "yes"}, "encryption takes off, request or require"),
        ({"tds_version": 7.1}, "tds_version takes 7.3 or 7.4"),
        ({"read_only": 2}, "read_only takes true or false"),
        ({"appname": ""}, "appname takes 1 to 128 characters"),
        ({"table_schema": 5}, "table_schema takes 1 to 128 characters"),
        ({"as_dict": True}, "there is no option as_dict"),
        (
            {"autocommit": True, "charset": "x"},
            "no option autocommit; there is no option charset",
        ),
    ],
)
def test_an_option_that_cannot_serve_is_named_with_what_can(extra: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=f"connection w: in its extras, .*{message}"):
        driver_options("w", extra)


def test_what_was_meant_for_another_place_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        driver_options("w", {"timeout": "s3cret!", "password": "s3cret!"})
    assert "s3cret!" not in str(caught.value)
