from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given, settings, strategies as st

from pricing.domain.cost import Kind, cost_of
from pricing.domain.declared import Declared, Funding, FundingKind, Support
from pricing.domain.exact import MICRO, rounded, total
from pricing.domain.working import public_sources, shown, workings
from tests.pricing.domain.examples import S1, S1_GRANTED, YEAR_FROM, declarations, with_asset

D = Decimal
CENT = D("0.01")
days = st.dates(date(2016, 1, 1), date(2032, 1, 1))


@settings(max_examples=150)
@given(declarations(), days, st.sampled_from(["2", "3"]))
def test_the_terms_of_a_component_come_to_what_it_costs(
    declared: Declared, year_from: date, version: str
) -> None:
    declared = replace(declared, version=version)
    cost = cost_of(declared, device_count=4, year_from=year_from)
    for working, line in zip(
        workings(declared, device_count=4, year_from=year_from), cost.components, strict=True
    ):
        assert working.kind is line.kind
        assert rounded(total(term.amount for term in working.terms)) == rounded(line.full_year)


@settings(max_examples=100)
@given(declarations(), days)
def test_what_public_sources_carry_is_what_is_public_in_the_direct_cost(
    declared: Declared, year_from: date
) -> None:
    cost = cost_of(declared, device_count=4, year_from=year_from)
    direct = total(line.public_year for line in cost.components if line.kind is not Kind.OVERHEAD)
    assert rounded(total(public_sources(declared, year_from=year_from).values())) == rounded(direct)


def test_each_number_of_the_worked_node_is_named() -> None:
    terms = {
        term.code: term
        for working in workings(S1, device_count=8, year_from=YEAR_FROM)
        for term in working.terms
    }
    assert terms["wears_out"].amount == 50_400
    assert terms["wears_out"].numbers == {
        "price": 280_000, "residual": 28_000, "years": 5, "days": 365, "of_days": 365,
    }  # fmt: skip
    assert terms["electricity"].numbers["delivered"] == D("6054.912")
    assert terms["electricity"].numbers["waiting"] == D("2354.688")
    assert terms["electricity"].amount == D("7401.70944")
    assert terms["overhead"].numbers["base"] == D("95201.70944")
    assert "interest" not in terms  # what comes to nothing is left out


def test_the_days_that_count_are_told() -> None:
    late = with_asset(purchased_on=date(2027, 7, 1))
    term = workings(late, device_count=8, year_from=YEAR_FROM)[0].terms[0]
    assert (term.numbers["days"], term.numbers["of_days"]) == (D(92), D(365))


def test_public_money_is_told_by_whose_it_is() -> None:
    support = Support("The university", Kind.STAFF, D(5000))
    region = Funding("Region", FundingKind.PUBLIC_GRANT, D(28_000))
    (asset,) = S1_GRANTED.assets
    declared = replace(
        S1_GRANTED, assets=(replace(asset, funding=(*asset.funding, region)),), support=(support,)
    )
    assert public_sources(declared, year_from=YEAR_FROM) == {
        "National programme": 30_240, "Region": 5_040, "The university": 5_000,
    }  # fmt: skip
    assert public_sources(S1, year_from=YEAR_FROM) == {}


@given(st.lists(st.decimals(-1000, 1000, places=8), min_size=1, max_size=12), st.sampled_from([CENT, MICRO]))
def test_parts_add_up_to_the_whole_that_is_shown(parts: list[Decimal], grain: Decimal) -> None:
    whole = rounded(total(parts), grain)
    found = shown(whole, parts, grain=grain)
    assert total(found) == whole
    assert all(abs(one - part) < 2 * grain for one, part in zip(found, parts, strict=True))
    assert all(rounded(one, grain) == one for one in found)


def test_parts_that_cancel_each_other_are_shown() -> None:
    assert shown(D(0), [D("0.005"), D("-0.005")], grain=CENT) in ([D("0.01"), D("-0.01")], [D(0), D(0)])
