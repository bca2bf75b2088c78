"""The steps of a run, made from its settings and from what the connections of its services say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from inspect import getsourcefile
from pathlib import Path
from typing import Any, cast

from include.engine.errors import SettingsError
from include.pipelines.csv.offers import Offer, checked
from include.pipelines.csv.settings import CsvSettings
from include.pipelines.csv.steps.checks import OutputCheck
from include.pipelines.csv.steps.email import EmailClient
from include.pipelines.csv.steps.email_settings import EmailSettings
from include.pipelines.csv.steps.research import ResearchClient, ResearchSettings
from include.pipelines.csv.steps.step import Step
from include.pipelines.csv.steps.template import OWN_TEMPLATES, PromptTemplate, load_template

_BOTH_TEXTS = (OutputCheck(name="email_body"), OutputCheck(name="personalized_line", max_chars=300))
"""What a model with structured output writes where nothing else is said."""


@dataclass(frozen=True)
class Enrichment:
    """What is done with each row. Raises `SettingsError` where a part is first needed and wrong; see `faults`."""

    settings: CsvSettings
    offers: Mapping[str, Offer]

    def steps(self, fields: Collection[str]) -> list[Step]:
        """In order; `fields` are the mapped ones, which decide what a search needs."""
        return [self._step(name, fields) for name in self.settings.steps]

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The columns that the steps make, in order."""
        return tuple(output for step in self.steps(()) for output in step.outputs)

    @cached_property
    def research(self) -> ResearchSettings:
        """Of the settings and the connection."""
        return checked(ResearchSettings, self._words("search", "research"), "research")

    @cached_property
    def email(self) -> EmailSettings:
        """As `research`."""
        words = self._words("model", "email")
        if words.get("structured", "none") != "none":
            words = {"outputs": [output.model_dump() for output in _BOTH_TEXTS], **words}
        return checked(EmailSettings, words, "email")

    @cached_property
    def template(self) -> PromptTemplate:
        """The template that the settings name: of their folder, else of the pipeline's own."""
        name, folder = Path(self.settings.template), self.settings.template_folder
        is_there = folder is not None and (folder / name).is_file()
        return load_template(name, folder=folder if folder is not None and is_there else OWN_TEMPLATES)

    @cached_property
    def optional(self) -> frozenset[str]:
        """Fields of the template that a file need not have, and that no step makes."""
        return self.template.optional.difference(self.outputs) if "email" in self.settings.steps else frozenset()

    def faults(self) -> list[str]:
        """What is wrong with steps, template and services, each in one sentence."""
        found: list[str] = []
        for name in dict.fromkeys(self.settings.steps):
            try:
                self._step(name, ())
            except SettingsError as error:
                found.append(str(error))
        strangers = [offer.service.name for offer in self.offers.values() if offer.words and not _has_step(offer)]
        found += [f"services: the extra of {name} has unknown words" for name in strangers]
        return found

    @cached_property
    def digest(self) -> str:
        """Of all that decides what a row gets: settings of the steps, template, model and code of steps of your own."""
        parts: list[str] = list(self.settings.steps)
        if "research" in self.settings.steps:
            parts.append(self.research.model_dump_json())
        if "email" in self.settings.steps:
            told = self.template
            parts += [self.email.model_dump_json(), told.system, told.user]
        parts += [_code_digest(name) for name in self.settings.steps if ":" in name]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _step(self, name: str, fields: Collection[str]) -> Step:
        if name == "research":
            return ResearchClient(self.research, fields=fields)
        if name == "email":
            return EmailClient(self.template, self.email)
        return _own_step(name)

    def _words(self, service: str, setting: str) -> dict[str, Any]:
        offer = self.offers.get(service)
        if offer is None:
            raise SettingsError(f"services: {setting} asks a service {service!r}: name its connection")
        given: dict[str, Any] = getattr(self.settings, setting)
        return {**offer.words, **given, "service": service}


def needed_fields(steps: Sequence[Step], optional: Collection[str]) -> list[str]:
    """Fields that no earlier step makes, but for the optional ones: a file must have columns for them."""
    made, needed = set(optional), dict[str, None]()
    for step in steps:
        needed |= dict.fromkeys(name for name in step.needs if name not in made)
        made |= set(step.outputs)
    return list(needed)


def _has_step(offer: Offer) -> bool:
    return offer.service.name in ("search", "model")


def _own_step(name: str) -> Step:
    module, _, attribute = name.partition(":")
    if not attribute:
        raise SettingsError(f"steps: {name!r} is neither research nor email nor module:name")
    try:
        step = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise SettingsError(f"steps: {name} cannot be made ({type(error).__name__})") from None
    if missing := [part for part in ("name", "outputs", "needs", "run") if not hasattr(step, part)]:
        raise SettingsError(f"steps: {name} is no step: it has no {', '.join(missing)}")
    return cast("Step", step)


def _code_digest(name: str) -> str:
    file = getsourcefile(import_module(name.partition(":")[0]))
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else name
