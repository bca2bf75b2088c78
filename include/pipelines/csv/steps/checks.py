"""Whether a cleaned answer can be sent to somebody."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

_PLACEHOLDER = re.compile(
    r"\[[A-Za-z][^\[\]\n]{0,60}\]"  # [Your Name]
    r"|\{\{?[^{}\n]{1,60}\}?\}"  # {first_name}, {{company}}
    r"|<(?:your|the|my|insert|first|last|company|recipient|sender|name)\b[^<>\n]{0,40}>"  # <your name>
    r"|\bX{3,}\b|\bLOREM IPSUM\b|_{4,}",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\A(?:i['\u2019]?m sorry|sorry|i apologi[sz]e|unfortunately)?[,. ]*(?:but )?"
    r"(?:i can(?:no|['\u2019])t|i am (?:not able|unable)|i['\u2019]m (?:not able|unable)|as an ai\b)",
    re.IGNORECASE,
)


class OutputCheck(BaseModel):
    """What a generated column must be. Lengths are in characters."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z_]\w{0,59}$")
    """Of the column."""
    min_chars: int = Field(default=20, ge=1)
    max_chars: int = Field(default=2000, ge=1, le=30_000)
    """A cell of a spreadsheet holds 32,767."""

    def fault(self, text: str) -> str | None:
        """Why this text is not it, without any of the text."""
        if len(text) < self.min_chars:
            return f"{self.name} has {len(text)} characters, fewer than {self.min_chars}"
        if len(text) > self.max_chars:
            return f"{self.name} has {len(text):,} characters, more than {self.max_chars:,}"
        if _PLACEHOLDER.search(text):
            return f"{self.name} has a placeholder left in it"
        return f"{self.name} refuses instead of answering" if _REFUSAL.match(text) else None
