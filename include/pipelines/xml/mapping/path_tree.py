"""The tree that the element steps of a contract's paths make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from include.pipelines.xml.language.paths import Path


@dataclass(slots=True)
class PathTree:
    """What stands at an element is the subclass's; its other fields need defaults."""

    children: dict[str, Self] = field(default_factory=dict, kw_only=True)
    """By tag."""

    def child(self, tag: str) -> Self:
        """Made where it is not there."""
        return self.children.setdefault(tag, type(self)())

    def descend(self, path: Path) -> Self:
        """To where the element steps lead, made as far as it is not there."""
        node = self
        for tag in path.steps:
            node = node.child(tag)
        return node
