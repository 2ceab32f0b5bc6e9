from __future__ import annotations

from decimal import Decimal

import pytest

from pricing.domain.cost import margin, markup

D = Decimal


@pytest.mark.parametrize(
    ("price", "cost", "expected"), [("0", "0", None), ("1", "0", None), ("3", "2", "0.5"), ("1", "2", "-0.5")]
)
def test_a_markup_on_nothing_is_no_number(price: str, cost: str, expected: str | None) -> None:
    assert markup(D(price), D(cost)) == (None if expected is None else D(expected))


def test_a_margin_is_a_share_of_the_price() -> None:
    assert margin(D(4), D(3)) == D("0.25")
    assert margin(D(0), D(3)) is None
