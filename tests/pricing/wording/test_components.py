from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.utils.translation import override
from hypothesis import given

from pricing.domain.cost import Kind
from pricing.domain.declared import Asset, DayAheadMean, Declared, PoolKey, PoolPart, Support
from pricing.wording import COMPONENT_NAMES, component_label, component_sentence
from tests.pricing.domain.examples import S1, S1_GRANTED, declarations, s1, with_asset

D = Decimal


def said(declared: Declared, kind: Kind) -> str:
    (line,) = (line for line in s1(declared).components if line.kind is kind)
    return component_sentence(kind, line.detail)


def test_s1_in_words() -> None:
    assert said(S1_GRANTED, Kind.PURCHASE) == (
        "280,000 EUR less a residual value of 28,000 EUR; 168,000 EUR of it paid by public grants"
    )
    assert said(S1, Kind.ELECTRICITY) == "40,837 kWh a year × PUE 1.25 × 0.145 EUR per kWh"
    assert said(S1, Kind.STAFF) == "0.15 posts × 82,000 EUR a year"
    assert said(S1, Kind.MAINTENANCE) == "4 % of the purchase price a year"
    assert said(S1, Kind.INSURANCE) == "0.5 % of the purchase price a year"
    assert said(S1, Kind.OVERHEAD) == (
        "120,000 EUR of indirect over 1,000,000 EUR of direct cost, from the owner’s accounts"
    )
    assert said(S1, Kind.HOSTING) == said(S1, Kind.NETWORK) == said(S1, Kind.FINANCING) == ""


def test_what_the_second_version_adds() -> None:
    room = PoolPart("p", "s", "Room", "ab" * 32, Kind.HOSTING, PoolKey.NODES, D("0.5"), D(6000))
    declared = replace(
        with_asset(vat_not_recovered=D(5000)), rack_units=D(8), rack_year=D(21_000), hosting_year=D(0),
        pools=(room,), support=(Support("University", Kind.HOSTING, D(4000)),), vat_year=D(300),
        interest_rate=D("0.04"), insurance_share=D(0), insurance_year=D(900), maintenance_year=D(700),
        contract_price=None, grid_fee=D("0.05"),
        day_ahead=DayAheadMean("FR", date(2025, 1, 1), date(2026, 1, 1), D(95), 8760, 0),
    )  # fmt: skip
    assert said(declared, Kind.HOSTING) == (
        "8 of 42 rack units × 21,000 EUR a year; 6,000.00 EUR from cost pools; "
        "4,000.00 EUR of it carried by public support"
    )
    assert said(declared, Kind.ELECTRICITY).endswith("; mean of the day-ahead prices of FR")
    assert said(declared, Kind.FINANCING) == "4 % interest on 156,500 EUR tied up on average"
    assert said(declared, Kind.INSURANCE) == "a premium of 900 EUR"
    assert said(declared, Kind.MAINTENANCE) == "4 % of the purchase price a year; contracts of 700 EUR"
    assert said(declared, Kind.VAT) == (
        "5,000 EUR on what was bought, spread over its life; 300 EUR on a year’s costs"
    )


def test_french_has_a_space_before_its_semicolon() -> None:
    with override("fr"):
        assert said(S1_GRANTED, Kind.PURCHASE) == (
            "280\u202f000 EUR moins une valeur résiduelle de 28\u202f000 EUR\u202f; "
            "dont 168\u202f000 EUR payés par des subventions publiques"
        )


def test_several_lives_are_no_single_one() -> None:
    switch = Asset("Switch", D(12_000), date(2026, 4, 1), D(8), maintenance_share=D("0.1"))
    lines = {line.kind: line.detail for line in s1(replace(S1, assets=(*S1.assets, switch))).components}
    assert component_label(Kind.PURCHASE, lines[Kind.PURCHASE]) == "Purchase"
    assert component_label(Kind.PURCHASE, s1().components[0].detail) == "Purchase, spread over 5 years"
    assert component_sentence(Kind.MAINTENANCE, lines[Kind.MAINTENANCE]) == "a share of each price a year"


def test_lines_of_the_first_version_are_still_said() -> None:
    """They were stored with fewer numbers."""
    assert component_sentence(Kind.OVERHEAD, {"share": "0.12"}) == (
        "Indirect cost over direct cost, from the owner’s accounts"
    )
    assert component_sentence(Kind.INSURANCE, {"share": "0.005", "of": "280000"}) == (
        "0.5 % of the purchase price a year"
    )
    assert component_sentence(Kind.HOSTING, {}) == component_sentence(Kind.FINANCING, {}) == ""


@given(declarations())
def test_every_line_of_any_node_has_a_name_and_can_be_said(declared: Declared) -> None:
    for line in s1(declared).components:
        assert line.kind in COMPONENT_NAMES
        assert component_label(line.kind, line.detail)
        assert "%(" not in component_sentence(line.kind, line.detail)
