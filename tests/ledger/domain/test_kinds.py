"""What may be entered."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain import kinds
from ledger.domain.kinds import Unfit

UID = "0190f0a0-0000-7000-8000-000000000001"
DECISION: dict[str, Any] = {
    "decision": UID, "policy": 1, "engine": "1", "outcome": "granted", "digest": "ab" * 32
}  # fmt: skip
FEE: dict[str, Any] = {
    "effective_from": "2026-11-22T15:00:00Z",
    "amount": "0.010000",
    "reason": "Running the site",
}


def test_a_whole_body_is_taken_and_null_members_may_be_left_out() -> None:
    kinds.validate("decision", DECISION)
    kinds.validate("site_fee", FEE)
    kinds.validate("site_fee", FEE | {"effective_until": None})


@pytest.mark.parametrize("name", DECISION)
def test_a_missing_member_is_named(name: str) -> None:
    with pytest.raises(Unfit) as refused:
        kinds.validate("decision", {key: value for key, value in DECISION.items() if key != name})
    assert refused.value.member == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decision", UID.upper()),
        ("decision", None),
        ("policy", -1),
        ("policy", True),
        ("policy", "1"),
        ("engine", 1),
        ("engine", "1" * 21),
        ("outcome", "maybe"),
        ("digest", "ab" * 31),
        ("digest", "AB" * 32),
        ("project", UID),
    ],
)
def test_a_member_that_does_not_fit_is_named(name: str, value: object) -> None:
    with pytest.raises(Unfit) as refused:
        kinds.validate("decision", DECISION | {name: value})
    assert refused.value.member == name


@pytest.mark.parametrize("value", ["1.", ".5", "1e3", "01", "+1", "NaN", "1,5", 1, None])
def test_an_amount_is_a_decimal_written_as_text(value: object) -> None:
    with pytest.raises(Unfit, match="amount"):
        kinds.validate("site_fee", FEE | {"amount": value})


@pytest.mark.parametrize("value", ["2026-11-22T15:00:00+00:00", "2026-11-22", "2026-11-22T15:00:00", 0])
def test_a_moment_is_in_utc(value: object) -> None:
    with pytest.raises(Unfit, match="effective_from"):
        kinds.validate("site_fee", FEE | {"effective_from": value})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Unfit, match="kind: one of"):
        kinds.validate("gossip", {})


@pytest.mark.parametrize(
    "rules", [{"note": "ask ada@example.org"}, {"a": [{"b": "<a.b@c.de>"}]}, {"x@y.fr": 1}]
)
def test_an_e_mail_address_is_refused_wherever_it_stands(rules: dict[str, Any]) -> None:
    body = {
        "policy": 1,
        "effective_from": "2026-11-22T15:00:00Z",
        "rules": rules,
        "digest": "ab" * 32,
        "reason": "",
    }
    with pytest.raises(Unfit, match="no e-mail address"):
        kinds.validate("policy", body)
