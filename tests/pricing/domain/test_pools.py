"""Splitting a shared cost: nothing is lost, and nobody pays for more than all of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.pools import MoreThanAll, share_out


def numbers(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]


def test_twelve_of_forty_two_rack_units_pay_two_sevenths() -> None:
    """The formula of hosting: U_n / U_rack x the cost of the rack."""
    shared = share_out(Decimal(9000), whole=Decimal(42), bases=numbers("12"))
    assert shared.parts[0].share == Decimal("0.285714285714")
    assert shared.parts[0].amount_year == Decimal("2571.428571")
    assert shared.unassigned.amount_year == Decimal("6428.571429")


def test_three_equal_nodes_split_a_post_without_a_rest() -> None:
    shared = share_out(Decimal("82000"), whole=Decimal(3), bases=numbers("1", "1", "1"))
    assert [part.amount_year for part in shared.parts] == numbers(
        "27333.333334", "27333.333333", "27333.333333"
    )
    assert (shared.unassigned.share, shared.unassigned.amount_year) == (0, 0)


def test_more_than_all_is_refused_with_what_it_comes_to() -> None:
    with pytest.raises(MoreThanAll) as refusal:
        share_out(Decimal(9000), whole=Decimal(40), bases=numbers("30", "22"))
    assert (refusal.value.given, refusal.value.whole, refusal.value.share) == (52, 40, Decimal("1.3"))


amounts = st.decimals("0.01", "999999999", places=2)
bases = st.lists(st.decimals("0.0001", "100000", places=4), min_size=1, max_size=12)


@given(amounts, bases, st.decimals("0", "100000", places=4))
def test_parts_add_up_to_all_of_it_and_none_is_negative(
    amount: Decimal, of_nodes: list[Decimal], others: Decimal
) -> None:
    shared = share_out(amount, whole=sum(of_nodes, others), bases=of_nodes)
    every = [*shared.parts, shared.unassigned]
    assert sum(part.share for part in every) == 1
    assert sum(part.amount_year for part in every) == amount
    assert all(part.share >= 0 and part.amount_year >= 0 for part in every)


@given(amounts, bases, st.decimals("0.0001", "1000", places=4))
def test_who_has_more_of_the_key_pays_no_less(
    amount: Decimal, of_nodes: list[Decimal], more: Decimal
) -> None:
    whole = sum(of_nodes, more)
    before = share_out(amount, whole=whole, bases=of_nodes).parts[0]
    after = share_out(amount, whole=whole, bases=[of_nodes[0] + more, *of_nodes[1:]]).parts[0]
    assert after.share >= before.share
    assert after.amount_year >= before.amount_year
