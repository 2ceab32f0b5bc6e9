from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from pricing.domain.declared import Declared, NotReadable, PublicGrant, faults, from_json, plain, to_json
from tests.pricing.domain.test_cost import S1, S1_GRANTED, declarations


@pytest.mark.parametrize("declared", [S1, S1_GRANTED, replace(S1, sources={"staff": "Accounts 2025"})])
def test_a_declaration_survives_json(declared: Declared) -> None:
    assert from_json(json.loads(json.dumps(to_json(declared)))) == declared


@given(declarations())
def test_any_declaration_survives_json(declared: Declared) -> None:
    assert from_json(json.loads(json.dumps(to_json(declared)))) == declared


def test_s1_has_no_fault() -> None:
    assert faults(S1_GRANTED) == []


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"used_share": Decimal("1.2")}, "used_share", "at_most_all"),
        ({"available_share": Decimal(0)}, "available_share", "above_zero"),
        ({"pue": Decimal("0.9")}, "pue", "at_least"),
        ({"idle_kilowatts": Decimal(7)}, "idle_kilowatts", "idle_above_active"),
        ({"hosting_year": Decimal(-1)}, "hosting_year", "not_negative"),
        ({"hosting_year": Decimal("NaN")}, "hosting_year", "at_most"),
        ({"staff_post_year": Decimal(10) ** 10}, "staff_post_year", "at_most"),
        ({"residual_value": Decimal(300_000)}, "residual_value", "above_purchase"),
        ({"public_grants": (PublicGrant("a", Decimal(280_001)),)}, "public_grants", "above_purchase"),
        ({"public_grants": (PublicGrant("a", Decimal(-1)),)}, "public_grants", "above_zero"),
    ],
)
def test_it_names_the_field_that_cannot_be_true(change: dict[str, object], field: str, rule: str) -> None:
    found = faults(replace(S1, **change))
    assert [(fault.field, fault.rule) for fault in found] == [(field, rule)]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"pue": 1.25}, "pue", "not_a_number"),  # a float has already lost digits
        ({"pue": True}, "pue", "not_a_number"),
        ({"pue": "1,25"}, "pue", "not_a_number"),
        ({"pue": "NaN"}, "pue", "not_a_number"),
        ({"purchased_on": "01/02/2026"}, "purchased_on", "not_a_date"),
        ({"purchase_price": ""}, "purchase_price", "missing"),
        ({"colour": "red"}, "colour", "unknown"),
        ({"public_grants": [{"source": "a"}]}, "public_grants", "not_a_number"),
    ],
)
def test_it_names_the_member_it_cannot_read(change: dict[str, object], field: str, rule: str) -> None:
    with pytest.raises(NotReadable) as refused:
        from_json(to_json(S1) | change)
    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [(field, rule)]


@pytest.mark.parametrize(
    ("number", "text"), [("1E+3", "1000"), ("1.50", "1.5"), ("-0.0", "0"), ("100", "100")]
)
def test_one_number_has_one_spelling(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
