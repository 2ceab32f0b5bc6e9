from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import cost_of
from pricing.domain.declared import Declared, NotReadable, faults, from_json, to_json
from tests.pricing.domain.examples import S1, S1_GRANTED, YEAR_FROM, declarations, supported


@pytest.mark.parametrize("declared", [S1, S1_GRANTED, replace(S1, sources={"staff": "Accounts 2025"})])
def test_a_declaration_survives_json(declared: Declared) -> None:
    assert from_json(json.loads(json.dumps(to_json(declared)))) == declared


@given(declarations())
def test_any_declaration_survives_json(declared: Declared) -> None:
    assert from_json(json.loads(json.dumps(to_json(declared)))) == declared


@given(supported())
def test_its_numbers_are_text(declared: Declared) -> None:
    def numbers(value: Any) -> list[object]:
        if isinstance(value, dict | list):
            return [
                one
                for item in (value.values() if isinstance(value, dict) else value)
                for one in numbers(item)
            ]
        return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []

    assert numbers(to_json(declared)) == []


def test_it_says_its_version_and_every_default() -> None:
    body = to_json(S1)
    assert (body["version"], body["pools"], body["contract_price"]) == ("3", [], "0.145")
    assert (body["day_ahead"], body["related_parties"]) == (None, None)


def body_with(path: str, value: object) -> dict[str, Any]:
    """S1's JSON with one member changed, as `assets.0.price`."""
    body = json.loads(json.dumps(to_json(S1_GRANTED)))
    *above, last = path.split(".")
    place: Any = body
    for name in above:
        place = place[int(name) if name.isdigit() else name]
    place[int(last) if last.isdigit() else last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("pue", 1.25, "not_a_number"),  # a float has already lost digits
        ("pue", True, "not_a_number"),
        ("pue", "1,25", "not_a_number"),
        ("pue", "NaN", "not_a_number"),
        ("pue", "1e-999999999", "not_a_number"),  # a number of a thousand million digits
        ("pue", "9" * 31, "not_a_number"),
        ("pue", [], "not_a_number"),
        ("pue", "", "missing"),
        ("colour", "red", "unknown"),
        ("assets", None, "missing"),
        ("assets", "lots", "not_a_list"),
        ("assets", {"0": {}}, "not_a_list"),
        ("assets.0", "a server", "not_an_object"),
        ("assets.0.price", "", "missing"),
        ("assets.0.purchased_on", "01/02/2026", "not_a_date"),
        ("assets.0.name", 5, "not_text"),
        ("assets.0.colour", "red", "unknown"),
        ("assets.0.funding.0.amount", None, "missing"),
        ("assets.0.funding.0.kind", "lottery", "not_one_of"),
        ("energy_source", ["wall"], "not_one_of"),
        ("related_parties", "yes", "not_yes_or_no"),
        ("sources", ["staff"], "not_an_object"),
        ("sources", {"staff": 7}, "not_text"),
        ("day_ahead", "FR", "not_an_object"),
        ("version", "4", "unknown_version"),
    ],
)
def test_it_names_the_member_it_cannot_read(path: str, value: object, rule: str) -> None:
    with pytest.raises(NotReadable) as refused:
        from_json(body_with(path, value))
    field = "sources.staff" if value == {"staff": 7} else path
    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [(field, rule)]


def test_it_names_all_that_is_wrong_at_once() -> None:
    body = body_with("assets.0.price", "much") | {"pue": "good", "contract_price": "cheap"}
    with pytest.raises(NotReadable) as refused:
        from_json(body)
    assert [fault.field for fault in refused.value.faults] == ["assets.0.price", "pue", "contract_price"]


def test_a_count_of_hours_is_whole() -> None:
    mean = {"zone": "FR", "since": "2025-01-01", "until": "2026-01-01", "eur_per_mwh": "-3.5",
            "hours_known": "8759.5", "hours_missing": "1"}  # fmt: skip
    with pytest.raises(NotReadable) as refused:
        from_json(to_json(S1) | {"contract_price": None, "day_ahead": mean})
    assert [(fault.field, fault.rule) for fault in refused.value.faults] == [
        ("day_ahead.hours_known", "not_a_count")
    ]


def test_what_was_typed_is_shown_in_part() -> None:
    with pytest.raises(NotReadable) as refused:
        from_json(to_json(S1) | {"pue": "x" * 10_000})
    assert len(refused.value.faults[0].actual) == 80


PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5) | st.just("-1")
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
WHOLE = to_json(S1_GRANTED)
PLACES = [
    *WHOLE, "other", *(f"assets.0.{name}" for name in WHOLE["assets"][0]), "assets.0.funding.0.amount",
    "assets.0.funding.0.kind",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(PLACES), ANYTHING, max_size=4))
def test_whatever_is_sent_is_read_refused_or_found_untrue(changes: dict[str, Any]) -> None:
    body = json.loads(json.dumps(WHOLE))
    for path, value in sorted(changes.items(), reverse=True):  # the parts of an asset before the assets
        *above, last = path.split(".")
        place = body
        for name in above:
            place = place[int(name) if name.isdigit() else name]
        place[last] = value
    try:
        declared = from_json(body)
    except NotReadable:
        return
    if not faults(declared):
        assert cost_of(declared, device_count=1, year_from=YEAR_FROM).full_year.is_finite()
