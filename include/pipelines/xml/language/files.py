"""Contracts from files: every mistake at once, each with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from include.engine.errors import SettingsError
from include.pipelines.xml.language.columns import Column
from include.pipelines.xml.language.contract import CONTRACT_NAME_PATTERN, Contract, RecordKey
from include.pipelines.xml.language.draft import draft_of
from include.pipelines.xml.language.places import Mistake, Place, Places, find_places, written
from include.pipelines.xml.language.rules.contract import mistakes_across
from include.pipelines.xml.language.table import Condition, Group, Item, Reference, Selection, Table
from include.warehouse.json_files import parse_json, read_json_text

CONTRACT_FOLDER = Path(__file__).parents[1] / "contracts"
"""The contracts that come with the package."""

MAX_CONTRACT_BYTES = 16 * 1024 * 1024

_FILE_NAME = " 1 to 80 letters, digits, _, - and ., and begins with one of the first three"
_IDENTIFIER = " 1 to 100 letters, digits and _, and begins with no digit"
_WORDS = {
    "missing": "is required",
    "bool_type": "must be true or false",
    "model_type": "must be an object: {…}",
    "dict_type": "must be an object: {…}",
    "list_type": "must be a list: […]",
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
"""By pydantic's types of error; its own messages speak of Python."""

_MODELS: dict[str, type[BaseModel]] = {
    "columns": Column,
    "fields": Column,
    "groups": Group,
    "items": Item,
    "key": RecordKey,
    "references": Reference,
    "selections": Selection,
    "tables": Table,
    "where": Condition,
}
"""By the setting that holds them."""


def find_contract(name: str, folders: Sequence[Path] = (CONTRACT_FOLDER,)) -> Contract:
    """The contract `<name>.json` in the first of the allowed folders that has it.

    `name` may come from a Param: it cannot name another folder. Raises `SettingsError`, with what there is.
    """
    if not re.fullmatch(CONTRACT_NAME_PATTERN, name):
        raise SettingsError(f"contract: not a name; it must match {CONTRACT_NAME_PATTERN}")
    # Else another folder's contract of the same name would be taken where this one is not mounted.
    if missing := [str(folder) for folder in folders if not folder.is_absolute() or not folder.is_dir()]:
        raise SettingsError(f"contract_folder: {', '.join(missing)} is no absolute path of a folder on this machine")
    path = next((folder / f"{name}.json" for folder in folders if (folder / f"{name}.json").is_file()), None)
    if path is None:
        known = sorted({found.stem for folder in folders for found in folder.glob("*.json") if found.is_file()})
        raise SettingsError(f"contract {name}: there is no such file; there are {', '.join(known) or 'none'}")
    contract = read_contract(path)
    if contract.contract != name:
        raise SettingsError(f"contract {path.name}: it calls itself {contract.contract}; name file and contract alike")
    return contract


def read_contract(path: Path) -> Contract:
    """Raises one `SettingsError` with every mistake of the file."""
    return parse_contract(read_json_text(path, "contract", MAX_CONTRACT_BYTES), path.name)


def parse_contract(text: str, name: str = "contract") -> Contract:
    """A contract from JSON text; `name` is for messages. Raises one `SettingsError` with every mistake."""
    raw = parse_json(text, f"contract {name}")
    try:
        places = find_places(text)
    except RecursionError as error:
        raise SettingsError(f"contract {name}: not JSON: {error}") from None
    mistakes: list[Mistake] = [(place, "the name is there twice in one object") for place in places.doubled]
    mistakes += [
        (place, "half of a surrogate pair (\\ud800 to \\udfff) is no text: write both") for place in places.halved
    ]
    contract: Contract | None = None
    try:
        contract = Contract.model_validate(raw)
    except ValidationError as error:
        mistakes += _structural(error)
    mistakes += mistakes_across(draft_of(raw))
    if contract is None or mistakes:
        raise SettingsError(_report(name, mistakes, places))
    return contract


def _structural(error: ValidationError) -> Iterator[Mistake]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place: Place = tuple(step for step in fault["loc"] if step != "[key]")  # pydantic's word for a name itself
        if fault["type"] == "extra_forbidden":
            yield place, f"no such setting; {_nearest(place)}"
        elif fault["type"] == "string_pattern_mismatch":
            yield place, "a contract's name is" + _FILE_NAME if place == ("contract",) else "a name is" + _IDENTIFIER
        else:
            yield place, _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))


def _nearest(place: Place) -> str:
    model = next(
        (_MODELS[step] for step in reversed(place[:-1]) if isinstance(step, str) and step in _MODELS), Contract
    )
    known = [field.alias or name for name, field in model.model_fields.items()]
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _report(name: str, mistakes: Sequence[Mistake], places: Places) -> str:
    located = sorted({(places.line(place) or 0, written(place), message) for place, message in mistakes})
    lines = [f"  {place} (line {line}): {message}" for line, place, message in located]
    report = f"contract {name} has {len(lines)} mistake{'s' if len(lines) > 1 else ''}:\n" + "\n".join(lines)
    return report.encode("utf-8", "backslashreplace").decode("utf-8")  # for terminals and logs, whatever it quotes
