from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.pdf.extract.language import SAMPLE_CHARACTERS, guess_language, sample

RUSSIAN = (
    "\u0412\u043e\u0434\u0430 \u0440\u0435\u043a\u0438 \u043f\u043e\u0434\u0432\u043e\u0434"
    "\u0438\u0442\u0441\u044f \u043a \u043c\u0435\u043b\u044c\u043d\u0438\u0446\u0435 "
    "\u043f\u043e \u043a\u0430\u043d\u0430\u043b\u0443"
)
ARABIC = (
    "\u064a\u0646\u0642\u0644 \u0645\u0627\u0621 \u0627\u0644\u0646\u0647\u0631 \u0625"
    "\u0644\u0649 \u0627\u0644\u0637\u0627\u062d\u0648\u0646\u0629 \u0639\u0628\u0631 "
    "\u0642\u0646\u0627\u0629"
)
JAPANESE = (
    "\u5ddd\u306e\u6c34\u306f\u6c34\u8def\u3092\u901a\u3063\u3066\u6c34\u8eca\u306b\u5c0e\u304b\u308c"
    "\u3001\u305d\u306e\u4e0b\u3067\u5ddd\u306b\u623b\u308a\u307e\u3059\u3002\u305d\u308c\u304c\u6c34"
    "\u8eca\u306e\u3057\u304f\u307f\u3067\u3059\u3002"
)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The water of the river is led to the mill by a channel, and it flows back to the river below it."),
        ("de", "Das Wasser des Flusses wird durch einen Kanal zu der Mühle geleitet und fließt mit ihm zurück."),
        ("fr", "L'eau de la rivière est menée au moulin par un canal et elle revient dans le lit plus bas."),
        ("es", "El agua del río se lleva al molino por un canal y vuelve al río más abajo con la fuerza."),
        (
            "it",
            "L'acqua del fiume è condotta al mulino con un canale e torna nel fiume sotto la ruota che non si ferma.",
        ),
        ("nl", "Het water van de rivier wordt door een kanaal naar de molen geleid en het komt er onder weer uit."),
        (
            "pt",
            "A água do rio é levada ao moinho por um canal e volta ao rio mais abaixo.",
        ),
        ("la", "Aqua per canalem ad molam ducitur et in flumen non redit nisi rota, quae est in aqua, ab ea movetur."),
        ("ru", RUSSIAN),
        ("ar", ARABIC),
        ("ja", JAPANESE),
    ],
)
def test_running_text_is_told_by_its_small_words_or_its_script(language: str, text: str) -> None:
    assert guess_language(f"{text} {text}") == language


@pytest.mark.parametrize("text", ["", "Hello, World!", "Name: Foo Bar", "4711 0815 " * 50, "xyzzy plugh " * 50])
def test_what_does_not_tell_is_not_guessed(text: str) -> None:
    assert guess_language(text) is None


@given(st.text(max_size=200))
def test_any_text_gives_a_code_or_nothing(text: str) -> None:
    guess = guess_language(text)
    assert guess is None or (len(guess) == 2 and guess.isascii())


def test_the_first_pages_are_looked_at_up_to_a_bound_and_no_page_after_it() -> None:
    pages = iter(["a", "b" * SAMPLE_CHARACTERS, "c"])
    assert sample(pages) == "a\n" + "b" * (SAMPLE_CHARACTERS - 1)
    assert list(pages) == ["c"]
    assert sample([]) == ""
