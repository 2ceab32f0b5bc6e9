from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from common.forms import NumberField, read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("280000", "280000"), ("280 000", "280000"), ("280\u202f000,50", "280000.50"), ("280'000", "280000"),
        ("280,000", "280000"), ("1,280,000.5", "1280000.5"), ("1.280.000,5", "1280000.5"),
        ("1.280,5", "1280.5"), ("0,145", "0.145"), ("0.145", "0.145"), (".5", "0.5"), ("5.", "5"),
        ("−3", "-3"), ("+3", "3"), ("72 %", "72"), ("1200 €", "1200"), ("1200 EUR", "1200"), ("007", "7"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(text: str, number: str) -> None:
    assert read_number(text, is_comma_decimal=False) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "x", "1e5", "NaN", "Infinity", "1,2,3", "1.2.3", "12,34,567", "1 kW", "--1", "9" * 25]
)
def test_what_is_no_number_is_not_guessed_at(text: str) -> None:
    assert read_number(text, is_comma_decimal=False) is None


def test_one_comma_before_three_digits_is_read_in_the_language_of_the_page() -> None:
    assert read_number("1,500", is_comma_decimal=False) == 1500
    assert read_number("1,500", is_comma_decimal=True) == Decimal("1.5")
    with override("fr"):
        assert read_number("1,500") == Decimal("1.5")


def test_what_cannot_be_read_is_quoted_with_an_example() -> None:
    with pytest.raises(ValidationError, match="“many” is not a number. Write digits, such as 6.2"):
        NumberField(example="6.2").clean("many")


def test_a_share_is_written_in_per_cent() -> None:
    assert NumberField(hundredfold=True).clean("72,5 %") == Decimal("0.725")
    assert NumberField(required=False).clean("") is None
