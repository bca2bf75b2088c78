"""A guess at the language of a text, from its script and its small words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain, repeat

SAMPLE_CHARACTERS = 5_000
"""Of a document: the rest is in the same language, or in no one language."""

MIN_WORDS = 20
MIN_SHARE = 0.08
"""Of words that must be small words of the language; running text has a quarter and more."""
MIN_LEAD = 1.3
"""Times as many as the second best language has."""

_SMALL_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is that for it as was with be by on not he his this are at from have which or an",
        "de": "der die und das von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat",
        "fr": "le la les de des et un une du en est que qui dans pour pas sur au par il ce avec sont plus ne se aux",
        "es": "el la los las de y que en un una por con no para es del se al lo como más su sus fue este",
        "it": "il la di che e un una per non in del della si con sono dei le da al lo gli nel è come anche alla",
        "nl": "de het een van en in is dat op te zijn met voor niet aan er om als ook maar bij door naar uit dan",
        "pt": "o a os as de e que do da em um uma para com não por dos das no na se mais ao como foi à",
        "la": "et in est non ad ut cum sed per quae qui quod ab ex si aut atque ac enim eius sunt esse vel nec at ea",
        "pl": "i w na z się nie do to że jest o jak po od za przez oraz ich dla są tego który być czy tym",
        "sv": "och i att det som en på är av för med den till har de inte om ett han men var sig så från vi",
    }.items()
}

_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ar", re.compile("[\u0620-\u06ff]")),
    ("he", re.compile("[\u05d0-\u05ea]")),
    ("el", re.compile("[\u0386-\u03ff]")),
    ("th", re.compile("[\u0e01-\u0e5b]")),
    ("hi", re.compile("[\u0904-\u0939]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
)
"""A script says at best which language of those that use it is the likeliest; Japanese has Chinese characters too."""

_LANGUAGES_OF = {
    word: tuple(language for language, small in _SMALL_WORDS.items() if word in small)
    for word in chain.from_iterable(_SMALL_WORDS.values())
}


def sample(pages: Iterable[str]) -> str:
    """What is looked at of a document, from its beginning on."""
    texts: list[str] = []
    left = SAMPLE_CHARACTERS
    for text in pages:
        texts.append(text[:left])
        left -= len(text)
        if left <= 0:
            break
    return "\n".join(texts)


def guess_language(text: str) -> str | None:
    """ISO 639-1 code, None where the text is too short or too mixed to tell."""
    return _by_script(text) or _by_words(text)


def _by_script(text: str) -> str | None:
    if text.isascii():
        return None
    letters = sum(map(str.isalpha, text))
    for language, script in _SCRIPTS:
        found = len(script.findall(text))
        if found >= MIN_WORDS and found > (0.15 if language == "ja" else 0.5) * letters:
            return language
    return None


def _by_words(text: str) -> str | None:
    words = text.lower().split()
    total = sum(map(str.isalpha, words))
    if total < MIN_WORDS:
        return None
    found = Counter(chain.from_iterable(map(_LANGUAGES_OF.get, words, repeat(()))))
    (best, most), (_, second) = [*found.most_common(2), ("", 0), ("", 0)][:2]
    return best if most >= MIN_SHARE * total and most >= MIN_LEAD * second else None
