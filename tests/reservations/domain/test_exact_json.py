from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import rfc8785
from hypothesis import given, strategies as st

from reservations.domain import exact_json

names = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
# Surrogates have no UTF-8; PostgreSQL's jsonb takes no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=20)


@given(values)
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    assert exact_json.canonical(value) == rfc8785.dumps(value)


@dataclass(frozen=True)
class Inner:
    share: Fraction
    note: str | None


@dataclass(frozen=True)
class Outer:
    amount: Decimal
    at: datetime | None
    parts: tuple[Inner, ...]
    count: int


@given(
    st.decimals(allow_nan=False, allow_infinity=False), st.fractions(),
    st.none() | st.datetimes(timezones=st.just(UTC)), st.none() | texts, st.integers(),
)  # fmt: skip
def test_no_digit_is_lost(
    amount: Decimal, share: Fraction, at: datetime | None, note: str | None, count: int
) -> None:
    value = Outer(amount, at, (Inner(share, note),), count)
    again = exact_json.read(Outer, exact_json.written(value))
    assert (again.amount, again.at, again.parts, again.count) == (value.amount, at, value.parts, count)


def test_a_float_has_no_exact_form() -> None:
    with pytest.raises(TypeError):
        exact_json.written({"share": 0.1})


@pytest.mark.parametrize(
    "fault", [{"amount": 1.5}, {"colour": 1}, {"count": "1"}, {"at": "soon"}, {"parts": [{"share": "1"}]}]
)
def test_what_is_not_one_is_not_read(fault: dict[str, Any]) -> None:
    whole = {"amount": "1", "at": None, "parts": [], "count": 1}
    with pytest.raises((ValueError, TypeError, KeyError)):
        exact_json.read(Outer, whole | fault)


@dataclass(frozen=True)
class Grown:
    count: int
    note: str | None = exact_json.newer()
    other: int = 3


def test_only_a_newer_member_may_be_absent() -> None:
    assert exact_json.read(Grown, {"count": 1, "other": 2}) == Grown(1, None, 2)
    assert exact_json.written(Grown(1)) == {"count": 1, "other": 3}  # bit for bit as before
    assert exact_json.written(Grown(1, "so")) == {"count": 1, "note": "so", "other": 3}
    with pytest.raises(KeyError):
        exact_json.read(Grown, {"count": 1})
