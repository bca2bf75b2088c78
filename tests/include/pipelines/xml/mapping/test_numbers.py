from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pipelines.xml.mapping.conversions import Unfit
from include.pipelines.xml.mapping.numbers import first_number

NBSP, THIN, NARROW, FIGURE, MINUS, EN_DASH = "\u00a0\u2009\u202f\u2007\u2212\u2013"
RAISED_2, ONE_HALF = "\u00b2\u00bd"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        ("007", "007"),
        ("+7", "+7"),
        ("-5.50%", "-5.50"),
        (f"{MINUS}5", "-5"),
        # Thousands
        ("USD 1,234,567.89 net", "1234567.89"),
        ("12,34,567 rupees", "1234567"),
        ("1'234.50", "1234.50"),
        ("1\u2019234\u2019567", "1234567"),
        (f"1{NBSP}234.5", "1234.5"),
        (f"1{NARROW}234{NARROW}567 \u20ac", "1234567"),
        (f"12{THIN}345", "12345"),
        (f"12{FIGURE}345", "12345"),
        # The point is the decimal one, and one without digits before it begins a number behind no word.
        ("1.234", "1.234"),
        ("rate .5", ".5"),
        ("rate -.5", "-.5"),
        ("-$.50", "-.50"),
        ("No.5", "5"),
        ("and so on...5", "5"),
        ("ends with 5.", "5"),
        # Signs and currencies
        ("-$1,250.00", "-1250.00"),
        ("EUR -\u20ac5", "-5"),
        ("$-3", "-3"),
        ("US$ -5", "-5"),
        ("(-5)", "-5"),
        ("+ 5", "5"),
        ("FICO-720", "720"),
        (f"FICO{EN_DASH}720", "720"),
        ("A1-B2", "1"),
        # What only stands near it
        ("2024-01", "2024"),
        ("3-5 years", "3"),
        ("5-year", "5"),
        ("$500-$600", "500"),
        ("10:30", "10"),
        ("720, 680", "720"),
        ("1,,2", "1"),
        ("720 2", "720"),
        ("2024 500", "2024"),
        ("1.5 300", "1.5"),
        ("720\n680", "720"),
        ("Tier,5", "5"),
        (f"5 m{RAISED_2}", "5"),
        ("50k", "50"),
        ("100.-", "100"),
        ("100,-", "100"),
    ],
)
def test_a_number_of_one_meaning_is_taken(text: str, number: str) -> None:
    assert first_number(text) == number


@pytest.mark.parametrize("text", ["", "n/a", "+-.,", "$", "(-)"])
def test_a_text_without_digits_holds_no_number(text: str) -> None:
    with pytest.raises(Unfit, match=r"^holds no number$"):
        first_number(text)


@pytest.mark.parametrize(
    "text",
    [
        # A comma that may be the decimal one, points that may separate thousands, or a date
        "1,5", "1234,56", "1,234,5", "1,234.5,6", "0,500", ",5", "rate ,5", "1.234,50", "1.234.567", "31.12.2024",
        # Blanks that may stand between two numbers or within one
        "1 234,50", "1 234", "12 345 Main Street", "1,234 567", f"1{NBSP}234,50", f"1{NARROW}23",
        # Mixed and other separators
        "1,234'567", f"1,234{NBSP}567", "12,345,67", "1_000", "1`000", "5'11", "1\u00b75", "\u00b75", "1\u066b5",
        # Fractions, exponents, digits of other scripts
        "1/2", "5 1/2", ONE_HALF, f"1{ONE_HALF}", f"1 {ONE_HALF}", f"10{RAISED_2}", "720/850", "1e5", "1.5E+3",
        "\u0663 or 4", "\uff11\uff123",
    ],
)  # fmt: skip
def test_a_number_that_another_convention_reads_otherwise_is_unfit(text: str) -> None:
    with pytest.raises(Unfit, match=r"^holds a number that is not plainly written, as 1234\.5 or 1,234\.5 is$"):
        first_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "- 3", "FICO - 720", f"{EN_DASH}5", "--5", "+-5", "\u00b15", "-" + 40 * " " + "5",
        "-$ 5", "- $5", "-USD 5", "-USD5", "-kr. 5", "-US$5", "USD-5", f"EUR{MINUS}5",
        "5-", "5.00-", "5.00 -", f"5{MINUS}", f"5{EN_DASH}", "5.00- EUR", "5.00-EUR", "5.00-\u20ac", "5 \u20ac -",
        "(5.00)", "($5)", "( 5 \u20ac )", "score (720)", "(USD 5)", "(5 CHF)", "5 EUR -",
    ],
)  # fmt: skip
def test_a_number_that_may_be_negative_is_unfit(text: str) -> None:
    with pytest.raises(Unfit, match=r"^holds a number that may be negative or not$"):
        first_number(text)


AMOUNTS = st.decimals(0, 10**9, places=2, allow_nan=False) | st.integers(0, 10**9).map(Decimal)
SEPARATORS = st.sampled_from(["", ",", ".", " ", "'", "\u2019", NBSP, THIN, NARROW, FIGURE])
SIGNS = st.sampled_from(["{}", "-{}", f"{MINUS}{{}}", "{}-", "({})", "- {}", f"{EN_DASH}{{}}"])
CURRENCIES = st.sampled_from(["", "$", "\u20ac", "USD", "CHF ", "kr. ", "R$ "])
AROUND = st.sampled_from(["{}", "about {}", "{} net", "sum: {}, paid", "\n{}\n", "FICO {} of 5"])


@given(AMOUNTS, SEPARATORS, st.sampled_from(".,"), SIGNS, CURRENCIES, st.booleans(), AROUND)
def test_an_amount_however_written_is_itself_or_unfit_and_never_another(
    amount: Decimal, thousands: str, point: str, sign: str, currency: str, before_sign: bool, around: str
) -> None:
    whole, _, cents = f"{amount:,f}".partition(".")
    digits = whole.replace(",", thousands) + (f"{point}{cents}" if cents else "")
    if (thousands == "." and not cents and whole.count(",") == 1) or (thousands == "," == point):
        return  # 1.234 is what the rule says it is, and nobody writes 1,234,50
    written = f"{currency}{sign.format(digits)}" if before_sign else sign.format(f"{currency}{digits}")
    try:
        found = first_number(around.format(written))
    except Unfit:
        # What the rule promises to read, it reads.
        assert thousands in (".", " ") or point == "," or sign not in ("{}", "-{}", f"{MINUS}{{}}") or currency
    else:
        assert Decimal(found) == (amount if sign == "{}" else -amount)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
LIKE_NUMBERS = st.text(f"12 .,-+'($)e/{NBSP}{MINUS}x", max_size=12)


@given(ANY_TEXT | LIKE_NUMBERS)
def test_what_is_found_is_plain_and_found_again(text: str) -> None:
    try:
        found = first_number(text)
    except Unfit:
        return
    assert found.isascii()
    assert Decimal(found).is_finite()
    assert first_number(found) == found
    assert first_number(f"about {found} or so") == found
