from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.market.comparing import Dated, Quote, in_eur, is_old, summary

TODAY = date(2026, 11, 23)
RATE = Dated("USD", Decimal("1.1648"), date(2026, 5, 15), "ECB reference rate")


def quote(amount: str, on: date = TODAY, currency: str = "EUR", rate: Dated | None = None) -> Quote:
    return Quote(Decimal(amount), currency, on, rate)


@pytest.mark.parametrize(
    ("days", "eur"), [(-1, None), (0, "1.000000"), (2, "1.000000"), (7, "1.000000"), (8, None)]
)
def test_a_rate_holds_for_its_day_and_seven_days_on_and_never_before(days: int, eur: str | None) -> None:
    on = RATE.on + timedelta(days=days)
    converted = in_eur(Decimal("1.1648"), currency="USD", on=on, rate=RATE)
    assert converted == (None if eur is None else Decimal(eur))


def test_euros_need_no_rate_and_another_currencys_rate_does_not_do() -> None:
    assert in_eur(Decimal(2), currency="EUR", on=TODAY, rate=None) == 2
    assert in_eur(Decimal(2), currency="GBP", on=RATE.on, rate=RATE) is None


def test_a_price_is_old_from_a_day_over_twelve_months() -> None:
    assert not is_old(date(2025, 11, 23), today=TODAY)
    assert is_old(date(2025, 11, 22), today=TODAY)


def test_old_prices_count_only_where_there_is_no_other() -> None:
    old, new = quote("1", date(2023, 11, 16)), quote("4", date(2026, 5, 17))
    both = summary([old, new], today=TODAY)
    assert both is not None
    assert (both.lowest, both.offers, both.is_old) == (4, 1, False)
    alone = summary([old], today=TODAY)
    assert alone is not None
    assert (alone.lowest, alone.offers, alone.is_old) == (1, 1, True)


def test_what_cannot_be_converted_does_not_count_and_is_told() -> None:
    found = summary([quote("3"), quote("1", currency="USD")], today=TODAY)
    assert found is not None
    assert (found.lowest, found.offers, found.without_rate) == (3, 1, 1)
    assert summary([quote("1", currency="USD")], today=TODAY) is None


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    found = summary([quote("1"), quote("2"), quote("2.000003"), quote("9")], today=TODAY)
    assert found is not None
    assert found.median == Decimal("2.000002")  # half to even


@given(st.lists(st.decimals("0.01", "1000", places=6), min_size=1, max_size=30))
def test_the_lowest_is_never_above_the_median_nor_the_median_above_the_highest(prices: list[Decimal]) -> None:
    found = summary([Quote(price, "EUR", TODAY, None) for price in prices], today=TODAY)
    assert found is not None
    assert found.lowest == min(prices) <= found.median <= max(prices)
