"""Level FS along a path, and what older snapshots say of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, strategies as st

from reservations.domain import exact_json
from reservations.domain.policy import Policy
from reservations.domain.room import Standing, Step, level_of, step_levels
from reservations.domain.shares import UNUSED
from tests.reservations.domain.worlds import NOW, make_standing

HALF_LIFE = Policy().half_life
sums = st.decimals(Decimal("0.1"), Decimal(10_000), places=6)


@st.composite
def paths(draw: st.DrawFn) -> tuple[Step, ...]:
    """Down to a project: each step's account is the step above, and counts what others there used, too."""
    path: list[Step] = []
    stored, committed = draw(sums), draw(sums)
    for depth in range(draw(st.integers(1, 6)), 0, -1):
        shares = draw(st.integers(1, 9))
        of_all = shares + draw(st.integers(0, 9))
        wider = stored + draw(sums), committed + draw(sums)
        path.insert(0, Step(f"step {depth}", shares, of_all, of_all, stored, committed, *wider))
        stored, committed = wider
    return tuple(path)


def standing_on(path: tuple[Step, ...]) -> Standing:
    whole, own = path[0], path[-1]
    assert whole.stored_of_all is not None
    assert own.stored is not None
    return make_standing(
        path=path, stored=own.stored, committed=own.committed, stored_by_all=whole.stored_of_all,
        committed_by_all=whole.committed_of_all,
    )  # fmt: skip


@given(paths(), st.integers(0, 500))
def test_the_level_is_the_product_of_level_fs_along_the_path(path: tuple[Step, ...], added: int) -> None:
    levels = step_levels(path, half_life=HALF_LIFE, at=NOW, added=Fraction(added))
    product = Fraction(1)
    for level in levels:
        assert isinstance(level, Fraction)
        product *= level
    shown = level_of(standing_on(path), half_life=HALF_LIFE, at=NOW, added=Fraction(added))
    assert isinstance(shown, Fraction)
    assert abs(product - shown) < shown * Fraction(1, 10**30)  # `level_of` rounds to 34 digits on its way


def test_a_project_with_all_shares_of_its_account_and_one_without_use_go_first() -> None:
    used = Step("Used", 1, 2, 2, Decimal(0), Decimal(3), Decimal(0), Decimal(6))
    rows = (used, replace(used, shares=None), replace(used, committed=Decimal(0)), replace(used, shares=0))
    assert step_levels(rows, half_life=HALF_LIFE, at=NOW) == [Fraction(1), UNUSED, UNUSED, Fraction(0)]


def test_a_snapshot_of_before_the_sums_says_nothing_of_steps_and_is_written_again_as_it_was() -> None:
    old = {"name": "Atlas", "shares": 1, "of_all": 5, "of_active": 5}
    step = exact_json.read(Step, old)
    assert step_levels((step,), half_life=HALF_LIFE, at=NOW) == [None]
    assert exact_json.written(step) == old


def test_sums_of_zero_are_written_as_what_they_are() -> None:
    """Nothing used is something said; only what was never read is left out."""
    step = Step("Atlas", 1, 5, 5, Decimal(0), Decimal(0), Decimal(0), Decimal(0))
    written = exact_json.written(step)
    assert isinstance(written, dict)
    assert written["stored"] == "0"
    assert exact_json.read(Step, written) == step
