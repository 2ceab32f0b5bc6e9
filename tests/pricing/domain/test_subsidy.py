from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import price_of
from pricing.domain.exact import total
from pricing.domain.subsidy import Close, GroupUse, billable_hours, by_group, carriers
from tests.pricing.domain.examples import S1_GRANTED, s1

D = Decimal
NINE = D("0.000000001")
money = st.decimals(min_value=0, max_value=10**6, places=6)


def test_who_carried_a_year_of_s1() -> None:
    """60 % of the purchase granted: 33,868.80 of public money is in it before anybody pays."""
    cost = s1(S1_GRANTED, devices=1)
    parts = carriers(
        full=cost.full_year, chargeable=cost.chargeable_year, public=cost.public_year,
        user_payments=D(60_000), cash_subsidy=D(10_000),
    )  # fmt: skip
    assert parts.in_kind_subsidy == D("33868.80")
    assert (parts.in_kind_subsidy / cost.delivered_hours).quantize(NINE) == D("5.593607306")
    assert (parts.owner_shortfall, parts.owner_margin) == (D("2757.1145728"), 0)
    assert parts.full == cost.full_year
    assert parts.public == D("43868.80")


def test_an_owner_who_took_more_than_the_cost_has_a_margin() -> None:
    parts = carriers(full=D(100), chargeable=D(60), public=D(40), user_payments=D(70))
    assert (parts.in_kind_subsidy, parts.owner_shortfall, parts.owner_margin) == (40, 0, 10)


def test_interest_on_the_owners_money_is_the_owners_shortfall_and_nobodys_subsidy() -> None:
    cost = s1(replace(S1_GRANTED, interest_rate=D("0.04")), devices=1)
    assert cost.owner_year == D("2464") * D("1.12")  # two fifths of 154,000 at 4 %, with overhead
    assert cost.public_year == D("33868.80")
    parts = carriers(
        full=cost.full_year, chargeable=cost.chargeable_year, public=cost.public_year,
        user_payments=cost.chargeable_year,
    )  # fmt: skip
    assert (parts.in_kind_subsidy, parts.owner_shortfall) == (cost.public_year, cost.owner_year)


ratio = st.decimals(min_value=0, max_value=1, places=4)


@given(money, ratio, ratio, money, money)
def test_the_parts_are_the_full_cost(full: D, share: D, public: D, paid: D, cash: D) -> None:
    chargeable = full * share
    parts = carriers(
        full=full, chargeable=chargeable, public=(full - chargeable) * public, user_payments=paid,
        cash_subsidy=cash,
    )  # fmt: skip
    assert parts.full == full
    assert min(parts.owner_shortfall, parts.owner_margin) == 0
    assert min(parts.in_kind_subsidy, parts.owner_shortfall, parts.owner_margin) >= 0


@pytest.mark.parametrize("public", ["-1", "41"])
def test_public_money_carries_no_more_than_what_is_not_charged(public: str) -> None:
    with pytest.raises(ValueError, match="no more than what is not charged"):
        carriers(full=D(100), chargeable=D(60), public=D(public), user_payments=D(0))


def test_a_close_counts_what_was_given_away_as_recovered() -> None:
    """The hours given below the tariff are the giver's cost, not that of the other users."""
    close = Close(billed=D(700), cash_subsidy=D(200), unbilled=D(100), chargeable_cost=D(950))
    assert close.over_recovered == D(50)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 100)), min_size=1, max_size=5))
def test_subsidised_hours_stay_in_the_denominator(groups: list[tuple[int, int]]) -> None:
    """Whoever pays less by a subsidy, the tariff of the others is the same."""
    cost = s1(devices=1)
    uses = [GroupUse(f"group {at}", D(hours), D(paid)) for at, (hours, paid) in enumerate(groups)]
    assert billable_hours(uses) == sum(hours for hours, _paid in groups)
    tariff = price_of(cost=cost).price
    revenue = tariff * cost.delivered_hours
    free = revenue / 4  # a quarter of the hours is given free by nobody who pays
    close = Close(
        billed=revenue - free, cash_subsidy=D(0), unbilled=free, chargeable_cost=cost.chargeable_year
    )
    assert abs(close.over_recovered) < D("0.01")  # and next year's tariff does not rise for it


def test_public_money_per_hour_and_group() -> None:
    uses = [
        GroupUse("Research", D(300), D(3000), D(600), "Agency", "Climate models", "AG-7"),
        GroupUse("Students", D(100), D(0), D(1200), "University", "Courses", "ED-2"),
        GroupUse("Industry", D(100), D(2000)),
    ]
    rows = by_group(uses, in_kind_subsidy=D(1000))
    assert [row.in_kind_subsidy for row in rows] == [600, 200, 200]
    assert [row.per_hour for row in rows] == [4, 14, 2]


def test_a_group_without_hours_has_no_figure_per_hour() -> None:
    (row,) = by_group([GroupUse("Students", D(0), D(0))], in_kind_subsidy=D(10))
    assert (row.in_kind_subsidy, row.per_hour) == (0, None)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any), money)
def test_groups_share_the_whole_in_kind_subsidy(hours: list[int], subsidy: D) -> None:
    uses = [GroupUse(f"group {at}", D(each), D(0)) for at, each in enumerate(hours)]
    rows = by_group(uses, in_kind_subsidy=subsidy)
    assert total(row.in_kind_subsidy for row in rows) == subsidy


@pytest.mark.parametrize("missing", ["funder", "purpose", "budget_line"])
def test_every_subsidy_names_whose_it_is(missing: str) -> None:
    told = {"funder": "Agency", "purpose": "Courses", "budget_line": "ED-2"} | {missing: ""}
    with pytest.raises(ValueError, match="a funder, a purpose and a line"):
        GroupUse("Students", D(1), D(0), D(5), **told)
