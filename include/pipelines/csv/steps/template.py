"""Prompts in files: a `[system]` and a `[user]` part with named fields.

`{company}` is a field that a row must have, `{first_name?}` one that may be empty; `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from include.engine.errors import RecordRejected, SettingsError

MAX_BYTES = 64 * 1024
OWN_TEMPLATES = Path(__file__).parents[1] / "templates"
"""What comes with the pipeline."""

_PART = re.compile(r"^\[(system|user)\][ \t]*$", re.MULTILINE)
_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)(\?)?\}|[{}]")


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A template that was checked."""

    name: str
    system: str = field(repr=False)
    user: str = field(repr=False)
    required: frozenset[str]
    """Fields that must not be empty."""
    optional: frozenset[str]

    @property
    def fields(self) -> frozenset[str]:
        """All that it names."""
        return self.required | self.optional

    def messages(self, given: Mapping[str, str]) -> list[dict[str, str]]:
        """For a chat API. Raises `RecordRejected` (`csv.field_empty`), naming the fields.

        Values are put in as they are: a brace in one is no field.
        """
        if empty := sorted(name for name in self.required if not given.get(name, "").strip()):
            raise RecordRejected("csv.field_empty", f"the template {self.name} needs {', '.join(empty)}")
        parts = (("system", self.system), ("user", self.user))
        return [{"role": role, "content": _filled(text, given)} for role, text in parts if text]


def load_template(path: Path, *, folder: Path = OWN_TEMPLATES) -> PromptTemplate:
    """A file of `folder`, by its name. Raises `SettingsError` with the place of what is wrong in it."""
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise SettingsError(f"template {path} lies outside the folder of templates")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"template {path} cannot be read ({type(error).__name__})") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"template {path} is larger than {MAX_BYTES:,} bytes")
    try:
        return parse_template(path.stem, data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"template {path} is not UTF-8 (byte {error.start})") from None


def parse_template(name: str, text: str) -> PromptTemplate:
    """Raises `SettingsError` that names line and fix."""
    pieces = _PART.split(text)
    before, titles, bodies = pieces[0], pieces[1::2], pieces[2::2]
    if before.strip() or "user" not in titles or len(set(titles)) < len(titles):
        raise SettingsError(f"template {name}: it takes one [user] part, and one [system] part before or after it")
    parts = {title: body.strip() for title, body in zip(titles, bodies, strict=True)}
    if not parts["user"]:
        raise SettingsError(f"template {name}: its [user] part is empty")
    required, optional = set[str](), set[str]()
    for found in _TOKEN.finditer(text):
        if found[0] in "{}":
            line = text.count("\n", 0, found.start()) + 1
            raise SettingsError(
                f"template {name}, line {line}: a lone {found[0]}: write {{field}}, {{field?}}, or {found[0] * 2}"
            )
        if found[1]:
            (optional if found[2] else required).add(found[1])
    return PromptTemplate(
        name, parts.get("system", ""), parts["user"], frozenset(required), frozenset(optional - required)
    )


def _filled(text: str, given: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return given.get(found[1], "").strip() if found[1] else found[0][0]

    return _TOKEN.sub(value, text)
