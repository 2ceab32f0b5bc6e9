from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.funding import ceiling_of, first_of_month, hours_for, month_bounds, next_month

D = Decimal
prices = st.decimals(min_value="0.000001", max_value=50, places=6)
hours = st.decimals(min_value="0.00000001", max_value=100_000, places=8)


@given(hours, prices)
def test_hours_at_their_price_never_cost_more_than_the_ceiling(wanted: D, price: D) -> None:
    assert 0 <= ceiling_of(wanted, price=price) - wanted * price < D("0.000001")


@given(st.decimals(min_value=0, max_value=10**6, places=6), prices)
def test_money_buys_the_hours_it_is_said_to(amount: D, price: D) -> None:
    bought = hours_for(amount, price=price)
    assert bought is not None
    assert bought * price <= amount < (bought + D("0.01")) * price


def test_hours_that_cost_nothing_are_not_counted_in_money() -> None:
    assert hours_for(D(10), price=D(0)) is None


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), date(2026, 12, 1)),
        (datetime(2027, 1, 1, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_month_is_one_of_utc(at: datetime, month: date) -> None:
    assert first_of_month(at) == month


@given(st.dates(date(1990, 1, 1), date(2200, 1, 1)))
def test_every_moment_is_in_its_month_and_the_next_begins_where_it_ends(day: date) -> None:
    month = day.replace(day=1)
    start, end = month_bounds(month)
    assert start <= datetime(day.year, day.month, day.day, tzinfo=UTC) < end
    assert month_bounds(next_month(month))[0] == end
