"""Indices, entitlement, demand and the floor against published or hand-computed numbers."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from reservations.domain.fairness import (
    FEWEST,
    Claim,
    FloorWeek,
    Group,
    Span,
    demanded,
    entitlements,
    herfindahl,
    jain,
    max_min,
    pooled,
    quantile,
    quantile_with_waiting,
)
from reservations.domain.shares import Tree, Vertex

HALF = Fraction(1, 2)
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def exact(*values: object) -> list[Fraction]:
    return [Fraction(str(value)) for value in values]


@pytest.mark.parametrize(
    ("ratios", "index"),
    [
        (exact(1, 1, 1, 1), 1),
        (exact(1, 0, 0, 0), Fraction(1, 4)),
        (exact(2, 2), 1),  # only how evenly, not how much
        # ATM Forum 99-0045: 50, 30 and 50 Mb/s where max-min is 50, 10 and 10.
        (exact(1, 3, 5), Fraction(81, 105)),
        (exact(*[1] * 20, *[0] * 80), Fraction(1, 5)),  # DEC-TR-301: a fifth of all get everything
        (exact(0, 0), None),
        ([], None),
    ],
)
def test_jains_index_is_one_where_all_get_the_same_part(ratios: list[Fraction], index: object) -> None:
    assert jain(ratios) == index


def test_jains_index_lies_between_one_nth_and_one_and_has_no_scale() -> None:
    chance = random.Random(7)
    for _ in range(300):
        ratios = [Fraction(chance.randint(0, 40), chance.randint(1, 9)) for _ in range(chance.randint(1, 9))]
        index = jain(ratios)
        if index is None:
            assert not any(ratios)
            continue
        assert Fraction(1, len(ratios)) <= index <= 1
        factor = Fraction(chance.randint(1, 99), chance.randint(1, 99))
        assert jain([ratio * factor for ratio in ratios]) == index
        assert jain(list(reversed(ratios))) == index


@pytest.mark.parametrize(
    ("amounts", "index"),
    [
        # The example of the United States' Department of Justice: 900 + 900 + 400 + 400 of 10,000.
        (exact(30, 30, 20, 20), Fraction("0.26")),
        (exact(5, 5, 5, 5), Fraction(1, 4)),
        (exact(7), 1),
        (exact(0, 0), None),
        ([], None),
    ],
)
def test_concentration_is_the_sum_of_squared_parts(amounts: list[Fraction], index: object) -> None:
    assert herfindahl(amounts) == index


@pytest.mark.parametrize(
    ("values", "part", "found"),
    [
        (exact(1, 2, 3, 4), HALF, Fraction("2.5")),
        (exact(3, 1, 2), HALF, 2),
        (exact(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), Fraction(9, 10), Fraction("9.1")),
        (exact(4), Fraction(9, 10), 4),
        ([], HALF, None),
    ],
)
def test_a_quantile_lies_between_the_values_beside_it(
    values: list[Fraction], part: Fraction, found: object
) -> None:
    assert quantile(values, part) == found


@pytest.mark.parametrize(
    ("values", "waiting", "part", "found"),
    [
        (exact(1, 2, 3, 4), 0, HALF, Fraction("2.5")),
        (exact(1, 2, 3), 2, HALF, 3),  # of five the third
        (exact(1, 2), 3, HALF, None),  # more than half still wait
        (exact(1, 2, 3), 1, Fraction(9, 10), None),
        (exact(6), 0, HALF, 6),
        ([], 4, HALF, None),
    ],
)
def test_who_still_waits_counts_as_later_than_all(
    values: list[Fraction], waiting: int, part: Fraction, found: object
) -> None:
    assert quantile_with_waiting(values, waiting, part) == found


def claims(**wanted: tuple[int, int]) -> dict[str, Claim]:
    return {key: Claim(Fraction(weight), Fraction(demand)) for key, (weight, demand) in wanted.items()}


def test_max_min_gives_what_one_leaves_to_the_others_by_weight() -> None:
    # Bertsekas and Gallager: whoever wants less than an even part gets it, the others part the rest.
    assert max_min(Fraction(10), claims(a=(1, 2), b=(1, 4), c=(1, 10))) == {"a": 2, "b": 4, "c": 4}
    assert max_min(Fraction(12), claims(a=(2, 100), b=(1, 100), c=(1, 1))) == {
        "a": Fraction(22, 3), "b": Fraction(11, 3), "c": 1
    }  # fmt: skip
    assert max_min(Fraction(9), claims(a=(1, 4), none=(0, 9))) == {"a": 4, "none": 5}
    assert max_min(Fraction(3), claims(a=(1, 4), none=(0, 9))) == {"a": 3, "none": 0}


def test_max_min_leaves_nobody_short_below_somebody_else() -> None:
    chance = random.Random(11)
    for _ in range(300):
        wanted = claims(
            **{str(n): (chance.randint(1, 9), chance.randint(0, 50)) for n in range(chance.randint(1, 7))}
        )
        capacity = Fraction(chance.randint(0, 120))
        given = max_min(capacity, wanted)
        assert sum(given.values()) == min(capacity, sum(claim.demand for claim in wanted.values()))
        assert all(given[key] <= claim.demand for key, claim in wanted.items())
        short = [given[key] / claim.weight for key, claim in wanted.items() if given[key] < claim.demand]
        levels = [given[key] / claim.weight for key, claim in wanted.items()]
        assert all(level >= highest for level in short for highest in levels)


def test_entitlement_goes_down_the_tree_account_by_account() -> None:
    tree = Tree(
        [
            Vertex("root", None, 1),
            Vertex("research", "root", 3),
            Vertex("society", "root", 1),
            Vertex("inside", "society", None),  # its projects compete in society
            Vertex("x", "research", 1, is_leaf=True),
            Vertex("y", "research", 2, is_leaf=True),
            Vertex("z", "inside", 1, is_leaf=True),
            Vertex("idle", "society", 1, is_leaf=True),
        ]
    )
    found = entitlements(tree, {"x": Fraction(90), "y": Fraction(10), "z": Fraction(60)}, Fraction(100))
    assert (found["research"], found["society"]) == (75, 25)
    assert (found["x"], found["y"], found["z"], found["idle"]) == (65, 10, 25, 0)
    everything = entitlements(tree, {"x": Fraction(9), "z": Fraction(4)}, Fraction(13))
    assert (everything["x"], everything["z"]) == (9, 4)  # where there is enough, what was wanted


def test_a_project_with_its_accounts_shares_is_entitled_to_all_of_them() -> None:
    tree = Tree(
        [
            Vertex("root", None, None),
            Vertex("a", "root", 1),
            Vertex("b", "root", 3),
            Vertex("whole", "a", None, is_leaf=True),
            Vertex("beside", "a", 1, is_leaf=True),
            Vertex("other", "b", 1, is_leaf=True),
        ]
    )
    found = entitlements(tree, dict.fromkeys(("whole", "beside", "other"), Fraction(10)), Fraction(10))
    assert (found["a"], found["whole"], found["beside"]) == (Fraction(5, 2), Fraction(5, 4), Fraction(5, 4))


def span(start: int, end: int, amount: int) -> Span:
    return Span(MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=end), Fraction(amount))


@pytest.mark.parametrize(
    ("had", "refused", "hours"),
    [
        ([span(0, 2, 3), span(1, 2, 1)], [], 7),
        ([], [span(0, 2, 4), span(0, 2, 4)], 8),  # asked twice
        ([span(0, 2, 4)], [span(0, 2, 4)], 8),  # refused, then granted others of the kind
        ([span(1, 3, 1)], [span(0, 2, 4)], 9),
        ([span(0, 4, 2)], [span(1, 2, 1), span(1, 3, 5)], 14),
        ([span(0, 1, 2)], [span(5, 6, 2)], 4),
    ],
)
def test_demand_is_what_was_had_or_the_largest_that_was_refused(
    had: list[Span], refused: list[Span], hours: int
) -> None:
    assert demanded(had, refused) == hours


@pytest.mark.parametrize(
    ("wanted", "delivered", "others", "borrowed", "is_kept"),
    [
        (50, 20, 80, 0, True),  # all that was promised
        (50, 19, 80, 0, False),
        (5, 5, 95, 15, True),  # little was wanted, and others took what came near
        (50, 45, 30, 0, True),  # more than promised: the floor is no ceiling
    ],
)
def test_a_floor_is_kept_where_who_wanted_it_got_it(
    wanted: int, delivered: int, others: int, borrowed: int, is_kept: bool
) -> None:
    week = FloorWeek(*exact(100, 20, wanted, delivered, others))
    assert (week.borrowed, week.is_kept) == (borrowed, is_kept)


def group(key: str, projects: int, amount: int, *, is_open: bool = False) -> Group:
    return Group(key, Fraction(amount), frozenset(f"{key}{n}" for n in range(projects)), is_open)


@pytest.mark.parametrize(
    ("groups", "together"),
    [
        ([group("a", 3, 9), group("b", 1, 1, is_open=True)], set()),
        ([group("a", 2, 9), group("b", 1, 1), group("c", 9, 3)], {"a", "b"}),
        # One alone could be had as the rest of the whole, so the smallest other joins.
        ([group("a", 1, 9), group("b", 4, 8), group("c", 5, 3)], {"a", "c"}),
        ([group("a", 1, 9), group("b", 1, 2, is_open=True), group("c", 1, 3, is_open=True)], {"a", "b", "c"}),
        ([group("a", 0, 0), group("b", 3, 8)], set()),
        ([group("a", 1, 9)], {"a"}),
    ],
)
def test_a_sum_that_would_tell_what_one_project_did_is_told_with_others(
    groups: list[Group], together: set[str]
) -> None:
    assert pooled(groups) == together


def test_a_pool_holds_enough_projects_or_everything() -> None:
    chance = random.Random(3)
    for _ in range(300):
        groups = [
            group(str(n), chance.randint(0, 5), chance.randint(0, 9), is_open=chance.random() < 0.3)
            for n in range(chance.randint(0, 6))
        ]
        together = pooled(groups)
        assert {one.key for one in groups if not one.may_be_told} <= together
        if together:
            projects = sum(len(one.projects) for one in groups if one.key in together)
            assert projects >= FEWEST or all(one.key in together for one in groups if one.projects)


def test_one_project_in_several_groups_hides_behind_itself_no_more_than_in_one() -> None:
    mine = frozenset({"me"})
    groups = [Group(key, Fraction(1), mine, is_open=False) for key in "abc"]
    others = Group("d", Fraction(9), frozenset({"x", "y", "z"}), is_open=False)
    assert pooled([*groups, others]) == {"a", "b", "c", "d"}
