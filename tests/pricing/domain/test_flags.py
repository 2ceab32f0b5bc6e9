"""Flags: the percentile among peers for any numbers, and when each is raised."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from pricing.domain.flags import (
    FEWEST_PEERS,
    Basis,
    Bought,
    Code,
    Figures,
    Flag,
    Peers,
    Shop,
    count_raised,
    figures_from,
    figures_of,
    flags,
)
from tests import factories

D = Decimal
LIVES = st.decimals(min_value="0.25", max_value=50, places=2)
ME, DAY = 1, date(2025, 6, 1)


def figures(life: Decimal | str = "5", *, owner: int = ME, **said: object) -> Figures:
    given = {
        "node": owner, "model": "h100", "kind": "gpu", "residual_share": D("0.1"), "price_each": D(30000),
        "bought_on": DAY, "related": False, **said,
    }  # fmt: skip
    return Figures(owner=owner, life_years=D(life), **given)  # type: ignore[arg-type]


def others(*lives: Decimal | str, **said: object) -> list[Figures]:
    return [figures(life, owner=number, **said) for number, life in enumerate(lives, start=2)]


def flag(code: Code, one: Figures, peers: list[Figures]) -> Flag:
    return next(found for found in flags(one, Peers([*peers, one])) if found.code is code)


def percentile(life: Decimal | str, peers: list[Figures]) -> Decimal:
    found = flag(Code.SHORT_LIFE, figures(life), peers).percentile
    assert found is not None
    return found


# --- the percentile ----------------------------------------------------------------------------------
def test_it_is_the_share_of_smaller_ones_and_half_of_equal_ones() -> None:
    """As scipy.stats.percentileofscore([1, 2, 3, 3, 4], 3, kind="mean") is 60."""
    assert percentile("3", others("1", "2", "3", "3", "4")) == D(60)
    assert percentile("0.5", others(*"12345")) == D(0)
    assert percentile("6", others(*"12345")) == D(100)
    assert percentile("5", others(*"55555")) == D(50)


@given(LIVES, st.lists(LIVES, min_size=FEWEST_PEERS, max_size=40))
def test_it_lies_between_0_and_100_and_is_what_counting_gives(own: Decimal, lives: list[Decimal]) -> None:
    found = percentile(own, others(*lives))
    less, equal = sum(one < own for one in lives), lives.count(own)
    assert 0 <= found <= 100
    assert abs(Fraction(found) - 100 * (Fraction(less) + Fraction(equal, 2)) / len(lives)) <= Fraction(1, 200)


@given(LIVES, LIVES, st.lists(LIVES, min_size=FEWEST_PEERS, max_size=20))
def test_who_declares_more_stands_no_lower(one: Decimal, other: Decimal, lives: list[Decimal]) -> None:
    low, high = sorted((one, other))
    assert percentile(low, others(*lives)) <= percentile(high, others(*lives))


@given(LIVES, st.lists(LIVES, min_size=FEWEST_PEERS, max_size=20))
def test_an_equal_peer_moves_it_towards_the_middle(own: Decimal, lives: list[Decimal]) -> None:
    before, after = percentile(own, others(*lives)), percentile(own, others(*lives, own))
    assert abs(after - 50) <= abs(before - 50)


@given(LIVES, st.lists(LIVES, min_size=FEWEST_PEERS, max_size=20), st.lists(LIVES, max_size=5))
def test_ones_own_other_nodes_change_nothing(own: Decimal, lives: list[Decimal], more: list[Decimal]) -> None:
    mine = [figures(life) for life in more]
    assert percentile(own, [*others(*lives), *mine]) == percentile(own, others(*lives))


@given(LIVES, st.lists(LIVES, min_size=FEWEST_PEERS, max_size=20))
def test_turned_round_it_is_what_is_left(own: Decimal, lives: list[Decimal]) -> None:
    turned = percentile(51 - own, others(*(51 - life for life in lives)))
    assert abs(percentile(own, others(*lives)) + turned - 100) <= D("0.01")


# --- who is compared with whom -----------------------------------------------------------------------
def test_the_same_model_is_compared_where_there_are_enough() -> None:
    same, kind = others(*"33333"), others(*"99999", model="a100")
    found = flag(Code.SHORT_LIFE, figures("4"), [*same, *kind])
    assert (found.basis, found.place.peers, found.percentile) == (Basis.MODEL, 5, D(100))
    found = flag(Code.SHORT_LIFE, figures("4"), [*same[:4], *kind])
    assert (found.basis, found.place.peers) == (Basis.KIND, 9)


def test_too_few_peers_are_not_compared_with() -> None:
    found = flag(Code.SHORT_LIFE, figures("1"), others(*"5555"))
    assert (found.basis, found.place.peers, found.percentile, found.is_raised) == (None, 4, None, False)
    assert flag(Code.SHORT_LIFE, figures("1"), others(*"55555", kind="tpu", model="v5")).place.peers == 0


# --- when one is raised ------------------------------------------------------------------------------
@pytest.mark.parametrize(("own", "raised"), [("2", True), ("3", True), ("4", False), ("9", False)])
def test_a_life_is_short_in_the_lowest_quarter(own: str, raised: bool) -> None:
    """Of 8 peers two spread it over 3 years: half of them is an eighth, and 4 stands at a quarter."""
    assert flag(Code.SHORT_LIFE, figures(own), others(*"33555555")).is_raised is raised


@pytest.mark.parametrize(("declaring", "raised"), [(2, False), (3, True), (6, True)])
def test_no_residual_stands_out_where_half_of_the_peers_declare_one(declaring: int, raised: bool) -> None:
    peers = [
        replace(one, residual_share=D("0.1") if number < declaring else D(0))
        for number, one in enumerate(others(*"555555"))
    ]
    assert flag(Code.NO_RESIDUAL, figures(residual_share=D(0)), peers).is_raised is raised
    assert not flag(Code.NO_RESIDUAL, figures(residual_share=D("0.01")), peers).is_raised


def test_one_euro_that_is_left_hides_nothing() -> None:
    """Neither one's own, nor does it make a peer one that declares something."""
    one_euro = D(1) / 280000
    found = flag(Code.NO_RESIDUAL, figures(residual_share=one_euro), others(*"55555"))
    assert (found.is_raised, found.place.declaring) == (True, 5)
    peers = others(*"55555", residual_share=one_euro)
    assert not flag(Code.NO_RESIDUAL, figures(residual_share=D(0)), peers).is_raised


@pytest.mark.parametrize(("each", "raised"), [("40000", False), ("40001", True)])
def test_a_purchase_is_held_against_twice_the_price_in_shops(each: str, raised: bool) -> None:
    shop = Shop(DAY, D(22000), D(20000), "1 EUR = 1.1 USD", "A tracker")
    found = flag(Code.ABOVE_RETAIL, figures(price_each=D(each), shop=shop), [])
    assert found.is_raised is raised
    assert found.declared == (D(each) / 20000).quantize(D("0.000001"))


def test_without_a_price_in_shops_nothing_is_held_against_it() -> None:
    shop = Shop(DAY, D(2), D(1), "1 EUR = 2 USD", "A tracker")
    peers = others(*"55555", shop=shop)
    found = flag(Code.ABOVE_RETAIL, figures(), peers)
    assert (found.is_raised, found.declared, found.percentile) == (False, None, None)
    found = flag(Code.ABOVE_RETAIL, figures(shop=shop), peers)
    assert (found.percentile, found.basis) == (D(50), Basis.MODEL)


@pytest.mark.parametrize(
    ("said", "raised", "declared"), [(True, True, D(1)), (False, False, D(0)), (None, False, None)]
)
def test_related_parties_are_told_where_they_are_declared(
    said: bool | None, raised: bool, declared: Decimal | None
) -> None:
    found = flag(Code.RELATED_PARTIES, figures(related=said), [])
    assert (found.is_raised, found.declared) == (raised, declared)


def test_who_has_not_said_is_compared_with_nobody_and_nobody_with_them() -> None:
    peers = [*others(*"55555"), *others(*"555", related=None)]
    assert flag(Code.RELATED_PARTIES, figures(related=True), peers).place.peers == 5
    silent = flag(Code.RELATED_PARTIES, figures(related=None), peers)
    assert (silent.basis, silent.percentile, silent.place.peers) == (None, None, 5)


@given(st.lists(st.tuples(LIVES, st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_counting_what_is_raised_is_as_telling_each(declared: list[tuple[Decimal, bool, bool]]) -> None:
    every = [
        figures(life, owner=number, residual_share=D("0.1") if left else D(0), related=related)
        for number, (life, left, related) in enumerate(declared)
    ]
    peers = Peers(every)
    for one in every:
        assert count_raised(one, peers) == sum(found.is_raised for found in flags(one, peers))


# --- what is read from a declaration -----------------------------------------------------------------
def test_a_life_counts_by_price_and_a_residual_by_what_was_paid() -> None:
    """A long-lived rack beside machines that are written off quickly hides nothing."""
    bought = [
        Bought(D(90), D(10), D(3), D(10), date(2025, 1, 1)),
        Bought(D(10), D(0), D(23), D(1), date(2026, 1, 1)),
    ]
    read = figures_from(bought, node=1, owner=1, model="m", kind="gpu", device_count=4, related=None)
    assert (read.life_years, read.residual_share, read.price_each) == (D(5), D("0.1"), D(25))
    assert read.bought_on == date(2025, 1, 1)


def test_of_s1_each_device_costs_35_000_and_a_tenth_is_left() -> None:
    read = figures_of(factories.make_declared(), node=1, owner=1, model="h100", kind="gpu", device_count=8)
    assert (read.life_years, read.residual_share, read.price_each) == (D(5), D("0.1"), D(35000))
