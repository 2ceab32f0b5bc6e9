"""Trees and what happened in them: sums that roll up, orders that keep, a log that gives one hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from reservations.domain import decay, exact_json
from reservations.domain.policy import Policy
from reservations.domain.shares import Tree, Vertex

HALF_LIFE = Policy().half_life
ROOT = Vertex("root", None, 1)


@dataclass(frozen=True)
class Use:
    """A hold that was kept, in minutes from the landmark."""

    leaf: str
    weight: int
    begin: int
    length: int

    def counted(self) -> Fraction:
        begin = decay.LANDMARK + timedelta(minutes=self.begin)
        end = begin + timedelta(minutes=self.length)
        return Fraction(decay.counted(Decimal(self.weight), begin, end, HALF_LIFE))


@st.composite
def trees(draw: st.DrawFn) -> list[Vertex]:
    vertices, accounts = [ROOT], ["root"]
    for number in range(draw(st.integers(0, 5))):
        shares = draw(st.one_of(st.none(), st.integers(0, 4)))
        vertices.append(Vertex(f"a{number}", draw(st.sampled_from(accounts[-2:])), shares))
        accounts.append(f"a{number}")
    for number in range(draw(st.integers(2, 6))):
        shares = draw(st.one_of(st.none(), st.integers(0, 4)))
        vertices.append(Vertex(f"u{number}", draw(st.sampled_from(accounts)), shares, is_leaf=True))
    return vertices


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Vertex], list[Use]]:
    vertices = draw(trees())
    leaves = [vertex.key for vertex in vertices if vertex.is_leaf]
    use = st.builds(
        Use, st.sampled_from(leaves), st.integers(1, 9), st.integers(0, 10**5), st.integers(1, 10**4)
    )
    return vertices, draw(st.lists(use, max_size=12))


def with_use(
    vertices: Sequence[Vertex], log: Sequence[Use], seen: Callable[[Fraction], Fraction] = lambda sum: sum
) -> Tree:
    """The tree with what the log adds up to on its leaves."""
    used = {vertex.key: Fraction(0) for vertex in vertices}
    for use in log:
        used[use.leaf] += use.counted()
    return Tree(
        Vertex(vertex.key, vertex.parent, vertex.shares, seen(used[vertex.key]), vertex.is_leaf)
        for vertex in vertices
    )


def state(tree: Tree) -> str:
    sums = {key: str(usage) for key, usage in sorted(tree.usage.items())}
    return exact_json.digest({"usage": dict(sums), "ranks": dict(sorted(tree.ranks.items()))})


@settings(max_examples=60, deadline=None)
@given(histories())
def test_sums_that_roll_up_with_each_event_are_those_counted_again_from_all(
    history: tuple[list[Vertex], list[Use]],
) -> None:
    vertices, log = history
    parents = {vertex.key: vertex.parent for vertex in vertices}
    rolled = dict.fromkeys(parents, Fraction(0))
    for count, use in enumerate(log, start=1):
        above: str | None = use.leaf
        while above is not None:
            rolled[above] += use.counted()
            above = parents[above]
        assert with_use(vertices, log[:count]).usage == rolled


@settings(max_examples=60, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_log_gives_the_same_hash_however_often_and_in_whatever_order_it_is_played(
    history: tuple[list[Vertex], list[Use]], random: object
) -> None:
    vertices, log = history
    shuffled = list(log)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert state(with_use(vertices, log)) == state(with_use(vertices, shuffled))


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(-40, 40), st.integers(0, 10**6))
def test_the_landmark_may_move_by_whole_half_lives_and_time_may_pass(
    history: tuple[list[Vertex], list[Use]], half_lives: int, minutes: int
) -> None:
    """A sum over a landmark so many half-lives later is that part of it, exactly; so is one seen later."""
    vertices, log = history
    order = with_use(vertices, log).order()
    assert with_use(vertices, log, lambda used: used / Fraction(2) ** half_lives).order() == order
    left = Fraction(decay.decay(timedelta(minutes=minutes), HALF_LIFE))
    assert with_use(vertices, log, lambda used: used * left).order() == order


def test_a_landmark_a_half_life_later_halves_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    use = Use("u", 3, 4321, 90)
    before = use.counted()
    begin = decay.LANDMARK + timedelta(minutes=4321)
    monkeypatch.setattr(decay, "LANDMARK", decay.LANDMARK + 3 * HALF_LIFE)
    after = Fraction(decay.counted(Decimal(3), begin, begin + timedelta(minutes=90), HALF_LIFE))
    assert abs(8 * after - before) <= before / 10**33


@settings(max_examples=100, deadline=None)
@given(histories(), st.data())
def test_one_more_event_never_raises_ones_own_rank(
    history: tuple[list[Vertex], list[Use]], data: st.DataObject
) -> None:
    vertices, log = history
    leaf = data.draw(st.sampled_from([vertex.key for vertex in vertices if vertex.is_leaf]))
    more = Use(leaf, data.draw(st.integers(1, 9)), data.draw(st.integers(0, 10**5)), 600)
    assert with_use(vertices, [*log, more]).ranks[leaf] <= with_use(vertices, log).ranks[leaf]


def test_htcondors_shares_of_users_and_groups() -> None:
    """EUP 5, 10, 20 are served 4:2:1, of 70 slots 40, 20, 10; quotas 20 and 10 of 30 and of 15 slots."""
    users = Tree([ROOT, *(Vertex(str(used), "root", 1, used, True) for used in (5, 10, 20))])
    levels = [users.levels[key] for key in ("5", "10", "20")]
    assert [70 * level / sum(levels) for level in levels] == [40, 20, 10]
    groups = Tree(
        [
            ROOT, Vertex("physics", "root", 20), Vertex("chemistry", "root", 10), Vertex("hep", "physics", 3),
            Vertex("lep", "physics", 1),
        ]
    )  # fmt: skip
    physics, chemistry, hep = (groups.norm_shares(key) for key in ("physics", "chemistry", "hep"))
    assert [slots * part for slots in (30, 15) for part in (physics, chemistry)] == [20, 10, 10, 5]
    assert 30 * physics * hep == 15  # 0.66667 x 0.75 of 30
