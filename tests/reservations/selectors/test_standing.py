"""What the one statement of every booking reads of the share tree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction

import pytest

from common import clock
from reservations.domain import decay
from reservations.domain.policy import Policy
from reservations.domain.room import Step, step_levels
from reservations.models import Vertex
from reservations.selectors.shares import share_tree
from reservations.selectors.standing import position_of
from reservations.services import shares
from tests import factories

pytestmark = pytest.mark.django_db


def make_leaf(parent: Vertex, shares_: int | None, stored: str, committed: str) -> Vertex:
    leaf = shares.create_project_vertex(parent=parent, project=factories.make_project(), shares=shares_)
    Vertex.objects.filter(pk=leaf.pk).update(decayed_usage=Decimal(stored), committed=Decimal(committed))
    return leaf


def deep_tree() -> list[Vertex]:
    """Root > programme > institute (uses the programme's shares) > laboratory > project, with siblings."""
    root = shares.create_root(name="Everybody")
    programme = shares.create_account(parent=root, name="Programme", shares=3)
    institute = shares.create_account(parent=programme, name="Institute", shares=None)
    laboratory = shares.create_account(parent=institute, name="Laboratory", shares=2)
    return [
        make_leaf(root, 5, "1000.000000000000000000000000001", "0"),
        make_leaf(programme, 1, "40", "5"),
        make_leaf(institute, 4, "0", "7"),
        make_leaf(laboratory, 1, "300", "2.5"),
        make_leaf(laboratory, 3, "0", "0"),
    ]


def test_every_step_has_what_it_used_and_what_all_who_compete_there_did() -> None:
    leaves = deep_tree()
    found = position_of(project_id=leaves[3].project_id or 0, policy=Policy(), at=clock.now())
    assert found is not None
    assert found.standing.path == (
        Step("Programme", 3, 8, 3, Decimal(340), Decimal("14.5"),
             Decimal("1340.000000000000000000000000001"), Decimal("14.5")),
        Step("Laboratory", 2, 7, 7, Decimal(300), Decimal("2.5"), Decimal(340), Decimal("14.5")),
        Step(leaves[3].name, 1, 4, 1, Decimal(300), Decimal("2.5"), Decimal(300), Decimal("2.5")),
    )  # fmt: skip


def test_the_tree_is_exact_however_short_the_half_life_and_long_ago_the_use() -> None:
    """Sums of use in January and November have more than 2,000 digits under a half-life of an hour."""
    policy = Policy(half_life_hours=1)
    root = shares.create_root(name="Everybody")
    long_ago, lately = (datetime(2026, month, 5, tzinfo=UTC) for month in (1, 11))
    used = Context(prec=20_000).add(
        *(
            decay.counted(Decimal(1), day, day + timedelta(hours=5), policy.half_life)
            for day in (long_ago, lately)
        )
    )
    leaf = make_leaf(root, 1, str(used), "3")
    make_leaf(root, 1, "0", "1")
    found = share_tree(policy=policy, at=datetime(2026, 11, 5, 5, tzinfo=UTC))
    assert found is not None
    assert len(used.as_tuple().digits) > 2000
    assert 4 < found.tree.usage[str(leaf.pk)] < 5


def test_the_steps_of_a_snapshot_have_the_levels_of_the_tree_that_everybody_is_ranked_in() -> None:
    at = clock.now()
    leaves = deep_tree()
    tree = share_tree(policy=Policy(), at=at)
    assert tree is not None
    for leaf in leaves:
        found = position_of(project_id=leaf.project_id or 0, policy=Policy(), at=at)
        assert found is not None
        levels = step_levels(found.standing.path, half_life=Policy().half_life, at=at)
        line = tree.tree.line(str(leaf.pk))
        for key, level in zip(line, levels, strict=True):
            ranked = tree.tree.levels[key]
            assert level is not None
            assert float(level) == float(ranked)
            if isinstance(level, Fraction) and isinstance(ranked, Fraction):
                assert abs(level - ranked) <= ranked / 10**30
