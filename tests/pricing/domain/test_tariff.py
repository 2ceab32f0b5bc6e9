from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import price_of, rounded
from pricing.domain.declared import Declared
from pricing.domain.exact import MICRO, total
from pricing.domain.tariff import (
    Cap,
    Carried,
    balance,
    cap_of,
    check_cap,
    compare,
    left_over,
    months_later,
    overdue,
    review_by,
)
from tests.pricing.domain.examples import S1, S1_GRANTED, declarations, s1

D = Decimal
SINCE = date(2026, 1, 1)
PUBLIC = Cap(D(0), D("0.5"), SINCE)
PRIVATE = Cap(D("0.15"), D("0.5"), SINCE)


def test_a_price_below_full_cost_can_lie_far_above_what_may_be_charged() -> None:
    """Node S1 with 60 % of its purchase granted, at 17.50 a node-hour."""
    held = compare(D("17.50"), s1(S1_GRANTED, devices=1))
    assert (held.full.markup * 100).quantize(D("0.0001")) == D("-0.6236")
    assert (held.chargeable.markup * 100).quantize(D("0.01")) == D("45.64")
    assert (held.chargeable.margin * 100).quantize(D("0.01")) == D("31.34")


def test_against_hours_that_are_always_busy_idling_hides_nothing() -> None:
    held = compare(D("17.50"), s1(devices=1))
    assert held.full_always_busy.cost.quantize(D("0.000000001")) == D("12.679070892")
    assert (held.full_always_busy.markup * 100).quantize(D("0.01")) == D("38.02")


def test_a_public_node_may_ask_its_cost_and_no_more() -> None:
    cost = s1(S1_GRANTED, devices=1)
    check = check_cap(price_of(cost=cost).price, cost=cost, cap=PUBLIC)
    assert check.limit == D("12.016213")
    assert (check.passes, check.excess, check.is_floored) == (True, 0, False)
    dearer = check_cap(check.limit + MICRO, cost=cost, cap=PUBLIC)
    assert (dearer.passes, dearer.excess) == (False, MICRO)


def test_a_private_node_may_add_what_the_policy_allows() -> None:
    cost = s1(devices=1)
    check = check_cap(D("20.25"), cost=cost, cap=PRIVATE)
    assert check.limit == D("20.251294")  # 17.609820683 x 1.15
    assert check.passes


def test_idling_earns_nothing() -> None:
    """At 10 % use an hour costs 126.79; the cap counts as if half of the hours were sold."""
    cost = s1(replace(S1, used_share=D("0.1")), devices=1)
    check = check_cap(rounded(cost.full_delivered), cost=cost, cap=PUBLIC)
    assert not check.passes
    assert check.is_floored
    assert check.used_share == D("0.5")
    assert check_cap(check.limit, cost=cost, cap=PUBLIC).passes


def test_what_was_recovered_before_moves_the_limit_with_the_price() -> None:
    cost = s1(S1_GRANTED, devices=1)
    for over in (D(6000), D(-6000)):
        price = price_of(cost=cost, over_recovered=over).price
        limit = check_cap(price, cost=cost, cap=PUBLIC, over_recovered=over).limit
        assert limit == price


def test_a_cap_is_a_number_of_the_policy() -> None:
    public = cap_of(is_public=True, private_share=D("0.15"), utilisation_floor=D("0.5"), since=SINCE)
    private = cap_of(is_public=False, private_share=D("0.15"), utilisation_floor=D("0.5"), since=SINCE)
    assert (public, private) == (PUBLIC, PRIVATE)
    for wrong in ({"share": D("-0.1")}, {"utilisation_floor": D(0)}, {"utilisation_floor": D("1.1")}):
        with pytest.raises(ValueError, match="floor lies above 0"):
            replace(PUBLIC, **wrong)


caps = st.builds(
    Cap, st.decimals(min_value=0, max_value=1, places=3),
    st.decimals(min_value="0.05", max_value=1, places=2), st.just(SINCE),
)  # fmt: skip


@given(declarations(), caps, st.decimals(min_value=-500, max_value=500, places=2))
def test_the_highest_price_that_passes_is_the_one_named(declared: Declared, cap: Cap, over: D) -> None:
    cost = s1(declared)
    limit = check_cap(D(0), cost=cost, cap=cap, over_recovered=over).limit
    assert limit >= 0
    assert check_cap(limit, cost=cost, cap=cap, over_recovered=over).passes
    assert not check_cap(limit + MICRO, cost=cost, cap=cap, over_recovered=over).passes


@given(declarations(), st.integers(1, 16), st.decimals(min_value=-500, max_value=500, places=2))
def test_the_price_that_follows_from_the_cost_passes_any_cap(
    declared: Declared, devices: int, over: D
) -> None:
    cost = s1(declared, devices)
    price = price_of(cost=cost, over_recovered=over).price
    floor = min(cost.used_share, D("0.5"))
    for share in (D(0), D("0.15")):
        cap = Cap(share, floor, SINCE)
        if price >= 0 and cost.chargeable_year >= 0:
            assert check_cap(price, cost=cost, cap=cap, over_recovered=over).passes


@given(declarations(), caps)
def test_no_cap_is_lower_for_a_higher_number_or_a_rarer_use(declared: Declared, cap: Cap) -> None:
    cost = s1(declared)
    if cost.chargeable_year >= 0:
        higher = replace(cap, share=cap.share + D("0.01"))
        assert check_cap(D(0), cost=cost, cap=higher).limit >= check_cap(D(0), cost=cost, cap=cap).limit
        idler = replace(cost, used_share=cost.used_share / 2)
        limit = check_cap(D(0), cost=cost, cap=cap).limit
        assert check_cap(D(0), cost=idler, cap=cap).limit >= limit
        floor = cost.chargeable_year * (1 + cap.share) / cost.available_device_hours / cap.utilisation_floor
        assert check_cap(D(0), cost=idler, cap=cap).limit <= rounded(floor)  # however idle


# --- the clock of recovery ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 7, 1), 24, date(2028, 7, 1)),
        (date(2024, 2, 29), 24, date(2026, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_later(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected


def test_a_rate_is_reviewed_and_a_balance_taken_up_within_24_months() -> None:
    assert review_by(date(2026, 7, 1), window_months=24) == date(2028, 7, 1)
    carried = [Carried(date(2026, 7, 1), D(600)), Carried(date(2026, 8, 1), D(400))]
    assert overdue(carried, on=date(2028, 6, 30), window_months=24) == ()
    assert overdue(carried, on=date(2028, 7, 1), window_months=24) == (carried[0],)
    assert overdue(carried, on=date(2027, 7, 1), window_months=12) == (carried[0],)


def test_the_oldest_balance_is_given_back_first() -> None:
    carried = [Carried(date(2026, 8, 1), D(400)), Carried(date(2026, 7, 1), D(600))]
    assert left_over(carried, given_back=D(700)) == (Carried(date(2026, 8, 1), D(300)),)
    assert left_over(carried, given_back=D(1000)) == ()


def test_a_surplus_pays_for_the_deficit_that_follows() -> None:
    carried = [Carried(date(2026, 7, 1), D(600)), Carried(date(2026, 8, 1), D(-900))]
    assert left_over(carried) == (Carried(date(2026, 8, 1), D(-300)),)


def test_what_is_given_back_beyond_the_balance_is_a_deficit() -> None:
    assert left_over([Carried(SINCE, D(100))], given_back=D(150)) == (Carried(SINCE, D(-50)),)
    with pytest.raises(ValueError, match="nothing was carried"):
        left_over([], given_back=D(1))


amounts = st.decimals(min_value=-1000, max_value=1000, places=2)
balances = st.lists(st.builds(Carried, st.dates(SINCE, date(2029, 1, 1)), amounts), min_size=1, max_size=10)


@given(balances, amounts)
def test_nothing_carried_is_lost_or_made(carried: list[Carried], given_back: D) -> None:
    rest = left_over(carried, given_back=given_back)
    assert balance(rest) == balance(carried) - given_back
    assert len({one.over_recovered > 0 for one in rest}) <= 1  # all of one sign
    assert all(one.over_recovered for one in rest)


@given(declarations(), st.decimals(min_value=-(10**4), max_value=10**4, places=2))
def test_a_year_at_the_tariff_recovers_the_cost_and_settles_the_balance(declared: Declared, over: D) -> None:
    cost = s1(declared)
    price = price_of(cost=cost, over_recovered=over).price
    revenue = price * cost.delivered_device_hours
    drift = total((revenue, -cost.chargeable_year, over))
    assert abs(drift) <= MICRO * cost.delivered_device_hours
