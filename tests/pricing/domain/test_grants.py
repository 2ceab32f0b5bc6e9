from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.grants import Funds, Part, Period, cover, settle

D = Decimal
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def funds(number: int, left: str, start: float = -100, end: float = 100) -> Funds:
    return Funds(number, Period(at(start), at(end)), D(left))


def slot(start: float, end: float) -> Period:
    return Period(at(start), at(end))


def test_the_grant_that_expires_first_pays_first() -> None:
    answer = cover(
        [funds(1, "100", end=90), funds(2, "3", end=50)], hours=slot(0, 10), price_per_hour=D("0.5")
    )
    assert answer.parts == (Part(2, D(3)), Part(1, D(2)))
    assert answer.is_full


def test_a_slot_over_an_expiry_is_split_there() -> None:
    answer = cover([funds(1, "100", end=4), funds(2, "100", end=90)], hours=slot(0, 10), price_per_hour=D(2))
    assert answer.parts == (Part(1, D(8)), Part(2, D(12)))


def test_hours_before_a_grant_begins_are_short() -> None:
    answer = cover([funds(1, "100", start=3)], hours=slot(0, 10), price_per_hour=D(2))
    assert (answer.short, answer.short_from, answer.total) == (D(6), at(0), D(20))


def test_it_says_from_when_money_is_short() -> None:
    answer = cover(
        [funds(1, "5", end=4), funds(2, "1000", start=6, end=90)], hours=slot(0, 10), price_per_hour=D(1)
    )
    assert (answer.short, answer.short_from) == (D(2), at(4))
    assert answer.parts == (Part(1, D(4)), Part(2, D(4)))


def test_an_expired_grant_pays_nothing() -> None:
    answer = cover([funds(1, "100", end=0)], hours=slot(0, 1), price_per_hour=D(1))
    assert (answer.parts, answer.short) == ((), D(1))


def test_without_grants_all_is_short() -> None:
    assert cover([], hours=slot(0, 2), price_per_hour=D("1.5")).short == D(3)


def test_what_costs_nothing_needs_no_grant() -> None:
    assert cover([], hours=slot(0, 2), price_per_hour=D(0)).is_full


def test_a_grant_without_an_end_pays_last() -> None:
    endless = Funds(1, Period(None, None), D(100))
    assert cover([endless, funds(2, "1")], hours=slot(0, 2), price_per_hour=D(1)).parts[0].grant_id == 2


@pytest.mark.parametrize("hours", [Period(NOON, NOON), Period(NOON, None), Period(at(1), at(0))])
def test_a_slot_without_length_is_refused(hours: Period) -> None:
    with pytest.raises(ValueError, match="two ends"):
        cover([], hours=hours, price_per_hour=D(1))


quarters = st.integers(-40, 40)


@given(
    st.lists(st.tuples(st.integers(0, 60), quarters, quarters), max_size=6),
    st.integers(-10, 10),
    st.integers(1, 40),
    st.decimals(min_value=0, max_value=20, places=6),
)
def test_cover_adds_up_and_overspends_nothing(
    given_grants: list[tuple[int, int, int]], start: int, length: int, price: D
) -> None:
    grants = [
        Funds(number, Period(at(min(a, b) / 4), at(max(a, b) / 4)), D(left))
        for number, (left, a, b) in enumerate(given_grants)
    ]
    answer = cover(grants, hours=slot(start / 4, (start + length) / 4), price_per_hour=price)
    assert sum((part.amount for part in answer.parts), answer.short) == answer.total
    assert abs(answer.total - price * length / 4) <= D("0.0000005")
    by_id = {part.grant_id: part.amount for part in answer.parts}
    assert len(by_id) == len(answer.parts)
    assert all(0 < amount <= grants[number].left for number, amount in by_id.items())
    assert answer.is_full == (answer.short_from is None)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 8)), max_size=4),
    st.integers(1, 8),
)
def test_no_choice_of_grants_would_cover_more(given_grants: list[tuple[int, int, int]], length: int) -> None:
    """Compared with the best by Hall's theorem: hours wanted less what the worst window lacks."""
    grants = [
        Funds(number, Period(at(min(a, b)), at(max(a, b))), D(left))
        for number, (left, a, b) in enumerate(given_grants)
    ]
    answer = cover(grants, hours=slot(0, length), price_per_hour=D(1))
    assert answer.short == max(_lacking(grants, chosen) for chosen in range(2**length))


def _lacking(grants: list[Funds], chosen: int) -> int:
    """How much the chosen hours want beyond all that could pay for any of them."""
    hours = [at(index) for index in range(8) if chosen >> index & 1]
    able = sum(
        grant.left for grant in grants if any(grant.valid.lower <= hour < grant.valid.upper for hour in hours)
    )
    return max(0, len(hours) - int(able))


def test_what_was_used_is_paid_in_the_order_of_the_cover() -> None:
    pool = [Part(1, D(5)), Part(2, D(10))]
    assert settle(pool, [D(4), D(3)]) == [(Part(1, D(4)),), (Part(1, D(1)), Part(2, D(2)))]


def test_a_refund_goes_back_to_the_grant_that_paid_last() -> None:
    pool = [Part(1, D(5)), Part(2, D(10))]
    assert settle(pool, [D(7), D(-3)])[1] == (Part(2, D(-2)), Part(1, D(-1)))


@pytest.mark.parametrize("amounts", [[D(16)], [D(2), D(-3)]])
def test_nothing_is_paid_out_of_thin_air(amounts: list[D]) -> None:
    with pytest.raises(ValueError, match="cannot be moved"):
        settle([Part(1, D(5)), Part(2, D(10))], amounts)
