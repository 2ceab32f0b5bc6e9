from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.django import TestCase

from common import clock, formats
from common.kept import FRESH
from reservations.domain.policy import Policy
from reservations.domain.room import level_of
from reservations.selectors import ranking as rankings
from reservations.selectors.decisions import answer_of
from reservations.selectors.level_path import place_after_booking
from reservations.selectors.levels import said
from reservations.selectors.ranking import ranked
from reservations.selectors.several import levels_of
from reservations.selectors.standing import position_of
from reservations.services import shares, usage
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node


class TestLevelsOfSeveral(TestCase):
    @settings(max_examples=10, deadline=None)
    @given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=6, max_size=6), st.integers(1, 99))
    def test_they_are_those_of_the_projects_own_pages(self, given: list[int | None], used: int) -> None:
        root = shares.create_root(name="Equinode")
        top = shares.create_account(parent=root, name="Top", shares=given[0])
        inner = shares.create_account(parent=top, name="Inner", shares=given[1])
        leaves = [
            shares.create_project_vertex(parent=parent, project=factories.make_project(), shares=own)
            for parent, own in zip((root, top, inner, inner), given[2:], strict=True)
        ]
        for number, leaf in enumerate(leaves[:3]):
            leaf.decayed_usage, leaf.committed = used * number, number
            leaf.save()
        at, policy = clock.now(), Policy()
        ids = [leaf.project_id for leaf in leaves if leaf.project_id is not None]
        found = levels_of(ids, policy=policy, at=at)
        for id in ids:
            position = position_of(project_id=id, policy=policy, at=at)
            assert position is not None
            assert found[id] == said(level_of(position.standing, half_life=policy.half_life, at=at))


@pytest.mark.django_db
def test_a_large_ranking_is_kept_for_a_minute_and_a_new_project_finds_its_place_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rankings, "_SMALL", 1)
    node, at = make_open_node(), clock.now()
    first, second = make_lab(), make_lab()

    def place(project: int, moment: datetime = at) -> int:
        found = ranked(policy=Policy(), at=moment, project=project)
        assert found is not None
        return found.places[project]

    assert place(first.project.pk) == place(second.project.pk) == 1
    booked = first.book(list(node.devices.all()[:1]), in_days(1), hours=8)

    def told(moment: datetime) -> str:
        quote = answer_of(booked.decision).quote
        return place_after_booking(project=first.project, quote=quote, policy=Policy(), at=moment)

    assert "as of" not in told(at)
    assert told(at + FRESH / 2).endswith(
        f"Places as of {formats.clock_seconds(at)}: a large tree is read once a minute."
    )
    usage.count_usage(reservation=booked)
    assert place(first.project.pk) == 1
    assert place(make_lab().project.pk) == 1
    assert place(first.project.pk, at + FRESH) == 3
