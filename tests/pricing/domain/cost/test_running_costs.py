from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given

from pricing.domain.cost import Component, Kind
from pricing.domain.cost.depreciation import book_value
from pricing.domain.cost.running_costs import (
    average_tied_capital,
    financing,
    hosting,
    insurance,
    maintenance,
    overhead,
    staff,
)
from pricing.domain.declared import Asset, Declared, Funding, FundingKind, PoolKey, PoolPart, Support
from pricing.domain.exact import rounded, total
from pricing.domain.tariff import months_later
from tests.pricing.domain.examples import DGX, PROGRAMME, S1, YEAR_FROM, assets, declarations, s1, with_asset

D = Decimal
ROOM = PoolPart(
    "pool", "statement", "Machine room", "ab" * 32, Kind.HOSTING, PoolKey.RACK_UNITS, D("0.125"), D(6000)
)


def test_hosting_is_the_nodes_part_of_its_rack() -> None:
    line = hosting(replace(S1, rack_units=D(8), rack_size=D(42), rack_year=D(21_000), hosting_year=D(500)))
    assert line.full_year == line.chargeable_year == D(4500)
    assert line.detail == {"units": "8", "size": "42", "rack_year": "21000"}


def test_what_pools_give_is_added_and_said() -> None:
    line = hosting(replace(S1, pools=(ROOM,)))
    assert (line.full_year, line.detail["pools"]) == (D(15_000), "6000")
    assert staff(replace(S1, pools=(ROOM,))).full_year == D(12_300)


def test_public_support_comes_off_what_is_charged() -> None:
    line = hosting(replace(S1, support=(Support("University", Kind.HOSTING, D(9000)),)))
    assert (line.full_year, line.chargeable_year) == (D(9000), 0)


def test_maintenance_counts_from_the_end_of_each_warranty() -> None:
    half = maintenance(with_asset(warranty_until=date(2027, 4, 1)), YEAR_FROM)
    assert rounded(half.full_year) == rounded(11_200 * D(183) / 365)
    assert maintenance(with_asset(warranty_until=date(2027, 10, 1)), YEAR_FROM).full_year == 0
    assert maintenance(with_asset(warranty_until=date(2026, 10, 1)), YEAR_FROM).full_year == D(11_200)


def test_maintenance_contracts_are_added() -> None:
    switch = Asset("Switch", D(10_000), date(2026, 1, 1), D(5), maintenance_share=D("0.1"))
    line = maintenance(replace(S1, assets=(DGX, switch), maintenance_year=D(800)), YEAR_FROM)
    assert line.full_year == D(13_000)
    assert "share" not in line.detail  # there are two


def test_insurance_is_a_share_of_what_was_bought_and_a_premium() -> None:
    assert insurance(S1).full_year == D(1400)
    assert insurance(replace(S1, insurance_year=D(100))).full_year == D(1500)


def test_interest_is_paid_on_what_is_tied_up_on_average() -> None:
    """(280,000 + 28,000) / 2 at 4 %; one's own money earns none that may be charged."""
    assert average_tied_capital(DGX) == D(154_000)
    line = financing(replace(S1, interest_rate=D("0.04")), YEAR_FROM)
    assert (line.full_year, line.chargeable_year) == (D(6160), 0)


@given(assets().filter(lambda asset: asset.life_years * 12 % 1 == 0))
def test_tied_capital_is_the_mean_book_value(asset: Asset) -> None:
    """Half of the first and the last day's, all of the months' between: the area below a straight line."""
    known = replace(asset, purchased_on=date(2026, 1, 1))
    months = int(known.life_years * 12)
    values = [book_value(known, months_later(known.purchased_on, at)) for at in range(months + 1)]
    mean = (total(values) - (values[0] + values[-1]) / 2) / months
    assert rounded(mean) == rounded(average_tied_capital(known))


def test_interest_on_a_loan_may_be_charged_and_a_grant_bears_none() -> None:
    """2 CFR 200.449: financing costs of assets are allowable, interest on one's own funds is not."""
    loan = Funding("Bank", FundingKind.LOAN, D(56_000))  # a fifth of the price; three fifths were granted
    declared = replace(with_asset(funding=(PROGRAMME, loan)), interest_rate=D("0.04"), financing_year=D(50))
    line = financing(declared, YEAR_FROM)
    assert (line.full_year, line.chargeable_year) == (D(2464 + 50), D(1232 + 50))


def test_a_gift_bears_no_interest_and_is_charged_as_it_wears_out() -> None:
    gift = Funding("Alumni", FundingKind.GIFT, D(280_000))
    declared = replace(with_asset(funding=(gift,)), interest_rate=D("0.04"))
    assert financing(declared, YEAR_FROM).full_year == 0
    assert s1(declared).components[0].chargeable_year == D(50_400)


def test_nothing_is_tied_up_in_what_is_worn_out() -> None:
    declared = replace(with_asset(purchased_on=date(2021, 10, 1)), interest_rate=D("0.04"))
    assert financing(declared, YEAR_FROM).full_year == 0


def test_overhead_follows_the_accounts() -> None:
    direct = [Component(Kind.STAFF, D(1000), D(600), D(400))]
    line = overhead(replace(S1, indirect_costs=D(300_000), direct_costs=D(2_400_000)), direct)
    assert (line.full_year, line.chargeable_year, line.public_year) == (D(125), D(75), D(50))
    assert line.detail == {"share": "0.125", "indirect": "300000", "direct": "2400000"}


def test_without_accounts_there_is_no_overhead() -> None:
    assert (
        overhead(
            replace(S1, indirect_costs=D(0), direct_costs=D(0)), [Component(Kind.STAFF, D(9), D(9))]
        ).full_year
        == 0
    )


@given(declarations())
def test_interest_charged_is_never_more_than_interest_paid_or_forgone(declared: Declared) -> None:
    line = financing(replace(declared, support=()), YEAR_FROM)
    assert 0 <= rounded(line.chargeable_year) <= rounded(line.full_year)


@given(declarations())
def test_parts_of_pools_reach_the_cost_in_full(declared: Declared) -> None:
    without = replace(declared, pools=())
    gained = s1(declared).full_year - s1(without).full_year
    direct = [part for part in declared.pools if part.kind is not Kind.OVERHEAD]
    expected = sum((part.amount_year for part in declared.pools), D(0))
    expected += declared.overhead_share * sum((part.amount_year for part in direct), D(0))
    assert rounded(gained) == rounded(expected)
