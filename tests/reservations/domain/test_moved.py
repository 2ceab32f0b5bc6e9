"""What moved a level, part by part."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, strategies as st

from reservations.domain.decay import LANDMARK
from reservations.domain.moved import DECAY, OTHERS, OWN, SHARES, Moves, Sums, moves
from reservations.domain.shares import UNUSED

WEEK = timedelta(days=7)
sums = st.integers(1, 1000).map(Decimal)
shares = st.fractions(Fraction(1, 100), 1)


def at_landmark(
    promised: Fraction, used: int, booked: int, used_by_all: int, booked_by_all: int, *, weeks: int = 0
) -> Sums:
    stored, by_all = Decimal(used), Decimal(used_by_all)
    return Sums(LANDMARK + weeks * WEEK, promised, stored, Decimal(booked), by_all, Decimal(booked_by_all))


def parts(found: Moves) -> dict[str, tuple[object, object]]:
    return {part.cause: (part.before, part.after) for part in found.parts}


def test_a_week_is_told_cause_by_cause() -> None:
    """With a half-life of a week: 40 of 100 used by the project, a tenth of it all promised."""
    tenth = Fraction(1, 10)
    then = at_landmark(tenth, 40, 0, 100, 0)
    # A week later 40 have become 20, and 20 were used (stored at twice that); others went from 60 to 30 + 30.
    now = at_landmark(Fraction(1, 5), 80, 0, 200, 0, weeks=1)
    found = moves(then, now, WEEK)
    assert (found.then.level, found.now.level) == (Fraction(1, 4), Fraction(1, 2))
    assert (found.faded.used, found.now.used, found.now.others) == (20, 40, 60)
    assert parts(found) == {
        DECAY: (Fraction(1, 4), Fraction(80, 200)),  # 10 % of 80, of which 20 its own
        OWN: (Fraction(80, 200), Fraction(100, 400)),
        OTHERS: (Fraction(1, 4), Fraction(1, 4)),  # what faded of theirs came again
        SHARES: (Fraction(1, 4), Fraction(1, 2)),
    }


@given(shares, shares, st.lists(sums, min_size=4, max_size=4), st.lists(sums, min_size=4, max_size=4))
def test_the_parts_add_up_to_the_whole_change(
    before: Fraction, after: Fraction, first: list[Decimal], second: list[Decimal]
) -> None:
    one = Sums(LANDMARK, before, first[0], first[1], first[0] + first[2], first[1] + first[3])
    two = Sums(LANDMARK + WEEK, after, second[0], second[1], second[0] + second[2], second[1] + second[3])
    found = moves(one, two, 2 * WEEK)
    changes = [part.change or Fraction(0) for part in found.parts]
    assert sum(changes) == Fraction(found.now.level) - Fraction(found.then.level)
    signs = dict(zip((part.cause for part in found.parts), changes, strict=True))
    assert signs[DECAY] >= 0  # one's own use fades
    assert (signs[SHARES] > 0) == (after > before)


def test_the_first_use_has_no_number_before_it() -> None:
    found = moves(
        at_landmark(Fraction(1, 2), 0, 0, 8, 0), at_landmark(Fraction(1, 2), 0, 4, 8, 4, weeks=2), WEEK
    )
    assert found.then.level == UNUSED
    assert [part.change for part in found.parts] == [None, None, Fraction(-3, 4), Fraction(0)]
    assert found.now.level == Fraction(3, 4)  # half of 2 + 4, to 4


def test_nothing_promised_is_a_level_of_zero() -> None:
    found = moves(at_landmark(Fraction(0), 1, 0, 8, 0), at_landmark(Fraction(0), 1, 0, 8, 0, weeks=1), WEEK)
    assert {part.change for part in found.parts} == {Fraction(0)}
