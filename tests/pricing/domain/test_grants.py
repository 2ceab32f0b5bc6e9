from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.grants import Funds, Part, Period, cover, hours_between, settle, settle_hours

D = Decimal
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def funds(number: int, left: str, start: float = -100, end: float = 100, hours: str | None = None) -> Funds:
    return Funds(number, Period(at(start), at(end)), D(left), None if hours is None else D(hours))


def slot(start: float, end: float) -> Period:
    return Period(at(start), at(end))


def test_the_grant_that_expires_first_pays_first() -> None:
    answer = cover(
        [funds(1, "100", end=90), funds(2, "3", end=50)], hours=slot(0, 10), price_per_hour=D("0.5")
    )
    assert answer.parts == (Part(2, D(3), D(6)), Part(1, D(2), D(4)))
    assert answer.is_full


def test_a_slot_over_an_expiry_is_split_there() -> None:
    answer = cover([funds(1, "100", end=4), funds(2, "100", end=90)], hours=slot(0, 10), price_per_hour=D(2))
    assert answer.parts == (Part(1, D(8), D(4)), Part(2, D(12), D(6)))


def test_hours_before_a_grant_begins_are_short() -> None:
    answer = cover([funds(1, "100", start=3)], hours=slot(0, 10), price_per_hour=D(2))
    assert (answer.short, answer.short_from, answer.total) == (D(6), at(0), D(20))


def test_it_says_from_when_money_is_short() -> None:
    answer = cover(
        [funds(1, "5", end=4), funds(2, "1000", start=6, end=90)], hours=slot(0, 10), price_per_hour=D(1)
    )
    assert (answer.short, answer.short_from) == (D(2), at(4))
    assert answer.parts == (Part(1, D(4), D(4)), Part(2, D(4), D(4)))


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


def test_a_grant_of_hours_pays_until_its_hours_are_used() -> None:
    answer = cover(
        [funds(1, "1000", end=50, hours="6"), funds(2, "1000", end=90)],
        hours=slot(0, 5), price_per_hour=D(4), devices=2,
    )  # fmt: skip
    assert answer.parts == (Part(1, D(12), D(6)), Part(2, D(8), D(4)))
    assert answer.is_full


def test_a_grant_of_hours_pays_no_more_than_its_money() -> None:
    answer = cover([funds(1, "4", hours="20")], hours=slot(0, 5), price_per_hour=D(2))
    assert answer.parts == (Part(1, D(4), D(2)),)
    assert (answer.short, answer.short_hours) == (D(6), D(3))


def test_it_says_how_many_hours_nobody_pays() -> None:
    answer = cover([funds(1, "1000", hours="20")], hours=slot(0, 23), price_per_hour=D(4), devices=1)
    assert (answer.short, answer.short_hours, answer.short_from) == (D(12), D(3), at(0))


def test_grants_of_hours_that_add_up_to_the_slot_cover_it_to_the_last_grain() -> None:
    """Seven and thirteen hours pay for twenty, at a price that neither divides."""
    answer = cover(
        [funds(1, "9", end=50, hours="7"), funds(2, "9", end=60, hours="13")],
        hours=slot(0, 20), price_per_hour=D("0.333333"),
    )  # fmt: skip
    assert answer.is_full
    assert [part.hours for part in answer.parts] == [7, 13]


def test_a_grant_whose_hours_are_used_up_pays_nothing() -> None:
    answer = cover([funds(1, "100", hours="0")], hours=slot(0, 1), price_per_hour=D(1))
    assert (answer.parts, answer.short, answer.short_hours) == ((), D(1), D(1))


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


grains = st.decimals(min_value=0, max_value=100, places=8)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.none() | grains, quarters, quarters), max_size=6),
    st.integers(-10, 10),
    st.integers(1, 40),
    st.decimals(min_value=0, max_value=20, places=6),
    st.integers(1, 8),
    st.integers(0, 3_599_999_999),
)
def test_cover_exceeds_neither_the_money_nor_the_hours_of_a_grant(
    given_grants: list[tuple[int, D | None, int, int]],
    start: int, length: int, price: D, devices: int, microseconds: int,
) -> None:  # fmt: skip
    grants = [
        Funds(number, Period(at(min(a, b) / 4), at(max(a, b) / 4)), D(left), hours)
        for number, (left, hours, a, b) in enumerate(given_grants)
    ]
    begins = at(start / 4) + timedelta(microseconds=microseconds)  # "now" is on no mark
    whole = Period(begins, begins + length * HOUR / 4)
    answer = cover(grants, hours=whole, price_per_hour=price, devices=devices)
    assert sum((part.amount for part in answer.parts), answer.short) == answer.total
    for part in answer.parts:
        grant = grants[part.grant_id]
        assert 0 < part.amount <= grant.left
        assert part.hours >= 0
        assert grant.hours_left is None or part.hours <= grant.hours_left
        assert part.hours == part.hours.quantize(D("0.00000001"))
    paid_hours = sum((part.hours for part in answer.parts), answer.short_hours)
    assert paid_hours <= hours_between(whole.lower, whole.upper) * devices + D("0.00000001")


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.decimals(min_value="0.01", max_value=20, places=6),
)
def test_hours_that_reach_cover_a_slot_at_any_price(hours: list[int], price: D) -> None:
    """Any number of grants of hours, with money enough, cover exactly as many hours as they have."""
    grants = [
        funds(number, "100000", end=61 + number, hours=str(limit)) for number, limit in enumerate(hours)
    ]
    assert cover(grants, hours=slot(0, sum(hours)), price_per_hour=price).is_full
    longer = cover(grants, hours=slot(0, sum(hours) + 1), price_per_hour=price)
    assert longer.short_hours == 1


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


def test_hours_used_are_settled_like_money_and_never_above_what_was_set_aside() -> None:
    pool = [Part(1, D(5), D(10)), Part(2, D(10), D(20))]
    assert settle_hours(pool, D(12)) == {1: D(10), 2: D(2)}
    assert settle_hours(pool, D(31)) == {1: D(10), 2: D(20)}
    assert settle_hours(pool, D(-1)) == {1: D(0), 2: D(0)}


@given(st.lists(st.tuples(grains, grains), max_size=5), grains)
def test_hours_set_aside_are_used_or_left(parts: list[tuple[D, D]], used: D) -> None:
    pool = [Part(number, amount, hours) for number, (amount, hours) in enumerate(parts)]
    settled = settle_hours(pool, used)
    assert all(0 <= settled[part.grant_id] <= part.hours for part in pool)
    assert sum(settled.values()) == min(used, sum(part.hours for part in pool))


@pytest.mark.parametrize("amounts", [[D(16)], [D(2), D(-3)]])
def test_nothing_is_paid_out_of_thin_air(amounts: list[D]) -> None:
    with pytest.raises(ValueError, match="cannot be moved"):
        settle([Part(1, D(5)), Part(2, D(10))], amounts)
