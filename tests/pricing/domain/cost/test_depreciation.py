from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost.depreciation import (
    RESIDUAL_SHARES,
    book_value,
    by_funding,
    of_month,
    of_year,
    purchase,
    share_of_year,
    straight_line,
    vat,
    worn_out_on,
)
from pricing.domain.cost.units import unit_cost
from pricing.domain.declared import Asset, Funding, FundingKind, Kind
from pricing.domain.exact import rounded, total
from tests.pricing.domain.examples import DGX, PROGRAMME, S1, YEAR_FROM, assets, s1, with_asset

D = Decimal
YEARS_ON = [date(2000, 1, 1), date(2150, 1, 1)]


def test_a_server_with_five_years_of_warranty() -> None:
    """Internet2, "Cloud vs. Datacenter Costs for HPC", 2017: https://www.internet2.edu/blogs/detail/14114"""
    depreciation = straight_line(price=D(14_375), residual=D(0), years=D(5))
    assert unit_cost(depreciation, units=D(36 * 8760)).quantize(D("0.0001")) == D("0.0091")


def test_s1_wears_out_by_4200_a_month() -> None:
    assert of_month(DGX, year=2026, month=3).full == D(4200)
    assert straight_line(price=D(280_000), residual=D(28_000), years=D(5)) == D(50_400)


@pytest.mark.parametrize(
    ("purchased", "life", "share"),
    [
        (date(2026, 1, 1), 5, D(1)),  # wholly inside its life
        (date(2021, 10, 1), 5, D(0)),  # worn out on the day
        (date(2021, 10, 2), 5, D(1) / 365),  # one day left
        (date(2027, 9, 30), 5, D(1) / 365),  # bought for the last day
        (date(2027, 10, 1), 5, D(0)),  # bought after the year
    ],
)
def test_a_year_counts_the_days_of_the_life(purchased: date, life: int, share: D) -> None:
    cost = s1(with_asset(purchased_on=purchased, life_years=D(life)))
    assert rounded(cost.components[0].full_year) == rounded(50_400 * share)


def test_a_year_that_begins_on_a_leap_day_has_no_hole() -> None:
    assert share_of_year(date(2024, 2, 29), since=date(2000, 1, 1), until=None) == 1
    rest = share_of_year(date(2024, 2, 29), since=date(2024, 8, 29), until=None)
    assert rounded(rest) == rounded(D(184) / 366)


def test_the_first_and_the_last_month_count_by_days() -> None:
    """Bought on 11 April: 20 of 30 days then, and the ten that lack in the April after the life."""
    asset = replace(DGX, purchased_on=date(2026, 4, 11))
    assert of_month(asset, year=2026, month=3).full == 0
    assert rounded(of_month(asset, year=2026, month=4).full) == rounded(D(4200) * 20 / 30)
    assert rounded(of_month(asset, year=2026, month=5).full) == D(4200)
    assert rounded(of_month(asset, year=2031, month=4).full) == rounded(D(4200) * 10 / 30)
    assert of_month(asset, year=2031, month=5).full == 0


def months_of(asset: Asset) -> list[tuple[int, int]]:
    first, last = asset.purchased_on, worn_out_on(asset)
    count = (last.year - first.year) * 12 + last.month - first.month + 2
    return [divmod(first.year * 12 + first.month - 1 + at, 12) for at in range(count)]


@given(assets())
def test_the_months_of_a_life_add_up_to_what_wears_out(asset: Asset) -> None:
    months = [of_month(asset, year=year, month=month + 1) for year, month in months_of(asset)]
    assert rounded(total(month.full for month in months)) == rounded(asset.cost - asset.residual_value)
    assert all(0 <= month.chargeable <= month.full for month in months)


@given(assets(), st.lists(st.dates(date(2010, 1, 1), date(2050, 1, 1)), min_size=2, max_size=6))
def test_a_book_value_only_falls_from_cost_to_residual(asset: Asset, days: list[date]) -> None:
    values = [book_value(asset, day) for day in sorted(days)]
    assert all(earlier >= later for earlier, later in pairwise(values))
    assert all(asset.residual_value <= value <= asset.cost for value in map(rounded, values))


@given(assets())
def test_before_it_was_bought_and_after_its_life_an_asset_costs_nothing(asset: Asset) -> None:
    for year_from in YEARS_ON:
        part = of_year(asset, price=asset.price, residual=asset.residual_value, year_from=year_from)
        assert (part.full, part.chargeable) == (0, 0)


@given(assets(), st.decimals(min_value=0, max_value=10**6, places=6))
def test_sources_of_funding_share_the_whole(asset: Asset, amount: D) -> None:
    parts = by_funding(asset, amount)
    assert set(parts) == set(FundingKind)
    assert total(parts.values()) == amount
    assert min(parts.values()) >= 0


def test_what_no_source_paid_is_the_owners_own() -> None:
    loan = Funding("Bank", FundingKind.LOAN, D(56_000))
    parts = by_funding(replace(DGX, funding=(PROGRAMME, loan)), D(50_400))
    assert parts == {
        FundingKind.OWN: D(10_080), FundingKind.LOAN: D(10_080), FundingKind.PUBLIC_GRANT: D(30_240),
        FundingKind.GIFT: 0,
    }  # fmt: skip


def test_only_public_grants_stay_out_of_what_is_charged() -> None:
    """2 CFR 200.436(c)."""
    for kind in FundingKind:
        line = purchase(with_asset(funding=(Funding("A", kind, D(70_000)),)), YEAR_FROM)
        expected = D(37_800) if kind is FundingKind.PUBLIC_GRANT else D(50_400)
        assert (line.full_year, line.chargeable_year) == (D(50_400), expected)


def test_each_asset_wears_out_by_itself() -> None:
    switch = Asset("Switch", D(12_000), date(2021, 4, 1), D(6))  # worn out half-way through the year
    line = purchase(replace(S1, assets=(DGX, switch)), YEAR_FROM)
    assert rounded(line.full_year) == rounded(50_400 + D(2000) * 182 / 365)
    assert (line.detail["assets"], line.detail["price"]) == ("2", "292000")
    assert "years" not in line.detail  # there are two
    assert line.detail["worn_out_on"] == "2031-01-01"


def test_vat_is_a_line_of_its_own_and_wears_out_with_the_asset() -> None:
    declared = replace(with_asset(vat_not_recovered=D(56_000), residual_value=D(0)), vat_year=D(1500))
    assert purchase(declared, YEAR_FROM).full_year == D(56_000)
    line = vat(declared, YEAR_FROM)
    assert (line.kind, line.full_year, line.chargeable_year) == (Kind.VAT, D(12_700), D(12_700))


def test_a_grant_pays_the_price_and_its_vat_in_one_proportion() -> None:
    declared = with_asset(vat_not_recovered=D(56_000), funding=(replace(PROGRAMME, amount=D(336_000)),))
    assert purchase(declared, YEAR_FROM).chargeable_year == vat(declared, YEAR_FROM).chargeable_year == 0


@given(assets())
def test_price_and_vat_together_are_the_asset(asset: Asset) -> None:
    declared = replace(S1, assets=(asset,))
    whole = of_year(asset, price=asset.cost, residual=asset.residual_value, year_from=YEAR_FROM)
    parts = purchase(declared, YEAR_FROM).full_year, vat(declared, YEAR_FROM).full_year
    assert rounded(total(parts)) == rounded(whole.full)


def test_calculco_leaves_nothing_after_six_years() -> None:
    assert list(RESIDUAL_SHARES) == [1, 2, 3, 4, 5, 6]
    assert [int(share * 100) for share in RESIDUAL_SHARES.values()] == [70, 50, 35, 25, 15, 0]


@pytest.mark.parametrize(("years", "share"), RESIDUAL_SHARES.items())
def test_a_life_that_ends_at_calculcos_share_wears_out_the_rest(years: int, share: D) -> None:
    asset = replace(DGX, life_years=D(years), residual_value=DGX.price * share)
    assert book_value(asset, worn_out_on(asset)) == DGX.price * share
    yearly = straight_line(price=DGX.price, residual=asset.residual_value, years=D(years))
    assert yearly * years == DGX.price * (1 - share)
