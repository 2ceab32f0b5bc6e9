from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from accounts.domain import scopes
from accounts.errors import StewardActRefused
from accounts.models import ApiToken, Invitation, Project, ProjectMembership, StewardAct, User
from accounts.services import invitations, members, stewarding, tokens
from common import clock
from tests import factories
from tests.live import eventually
from tests.races import at_once, split, waiting


@pytest.mark.django_db(transaction=True)
def test_of_two_stewards_who_close_each_other_at_once_one_stays() -> None:
    for _again in range(5):
        one, other = (factories.make_user(is_steward=True) for _each in range(2))
        close = partial(stewarding.close_person, reason="x", at=clock.now())
        done, refused = split(
            at_once(partial(close, person=one, by=other), partial(close, person=other, by=one))
        )
        assert len(done) == 1
        assert {type(answer) for answer in refused} == {StewardActRefused}
        assert User.objects.filter(pk__in=[one.pk, other.pk], is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["removed", "left"])
def test_whose_membership_ends_while_their_account_is_closed_keeps_nobody_waiting(ends: str) -> None:
    """Seen to fail, by a deadlock, where members._end changes the tokens before it locks their person."""
    lead, closed, steward = (factories.make_user() for _each in range(3))
    User.objects.filter(pk=steward.pk).update(is_steward=True)
    project, other = factories.make_project(lead=lead), factories.make_project(lead=closed)
    project.memberships.create(user=closed, role="lead")
    at = clock.now()
    for to in (project, other):
        make_token(closed, to)
        invitations.invite(to=to, email="grace@example.org", role="member", by=closed, at=at)
    end = {
        "removed": partial(members.remove, of=project, member=closed, by=lead, at=at),
        "left": partial(members.leave, of=project, member=closed, at=at),
    }[ends]

    def close() -> StewardAct:
        eventually(lambda: waiting() == 1, "the membership is about to end")
        return stewarding.close_person(person=closed, reason="Left", by=steward, at=at)

    done, failed = split(at_once(end, close, meeting_at=ProjectMembership))
    assert (failed, len(done)) == ([], 2)
    assert not project.memberships.filter(user=closed).exists()
    assert not User.objects.get(pk=closed.pk).is_active
    assert not ApiToken.objects.filter(user=closed, revoked_at=None).exists()
    assert {one.ending for one in Invitation.objects.filter(invited_by=closed)} == {"sender_gone"}


def make_token(user: User, project: Project) -> None:
    at = clock.now()
    tokens.create(
        user=user, name="nightly", scopes=[scopes.READ], project=project,
        expires_at=at + timedelta(days=1), at=at,
    )  # fmt: skip
