"""What may not happen while somebody leaves: proved by callers at once, on committed data."""

from __future__ import annotations

from functools import partial

import pytest

from accounts.errors import ErasureRefused
from accounts.models import Organisation, OrganisationMembership, ProjectMembership, User
from accounts.services import own_data
from common import clock
from reservations.errors import Refused
from reservations.models import Reservation
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.worlds import Lab, in_days, make_open_node

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_leads_who_leave_at_once_one_stays() -> None:
    leads = [factories.make_user() for _number in range(4)]
    organisation = factories.make_organisation(lead=leads[0])
    for lead in leads[1:]:
        OrganisationMembership.objects.create(organisation=organisation, user=lead, role="lead")
    at = clock.now()
    left, refused = split(at_once(*(partial(own_data.erase, user=lead, at=at) for lead in leads)))
    assert len(left) == 3
    assert [type(refusal) for refusal in refused] == [ErasureRefused]
    assert Organisation.objects.get().memberships.filter(role="lead").count() == 1


def test_of_two_stewards_who_leave_at_once_one_stays() -> None:
    stewards = [factories.make_user(is_steward=True) for _number in range(4)]
    at = clock.now()
    _left, refused = split(at_once(*(partial(own_data.erase, user=one, at=at) for one in stewards)))
    assert [type(refusal) for refusal in refused] == [ErasureRefused]
    assert User.objects.filter(is_steward=True, is_active=True).count() == 1


def test_nobody_books_in_the_moment_they_leave() -> None:
    """Either the slot stands in the way, or who has left is no member any more."""
    node = make_open_node(devices=1)
    [device] = node.devices.all()
    for attempt in range(6):
        lena, user = factories.make_user(), factories.make_user()
        project = factories.make_project(user, lead=lena)
        factories.make_grant(project)
        lab = Lab(project, user, factories.make_vertex(project))
        start = in_days(2 + attempt)
        at_once(
            partial(own_data.erase, user=user, at=clock.now()),
            partial(lab.book, [device], start, hours=1),
        )
        user.refresh_from_db()
        booked = Reservation.objects.filter(booked_by=user, state="booked").exists()
        assert booked != (user.erased_at is not None)
        assert ProjectMembership.objects.filter(user=user).exists() == booked


def test_a_refusal_after_leaving_is_one_of_membership() -> None:
    node = make_open_node(devices=1)
    lena, user = factories.make_user(), factories.make_user()
    project = factories.make_project(user, lead=lena)
    factories.make_grant(project)
    lab = Lab(project, user, factories.make_vertex(project))
    own_data.erase(user=user, at=clock.now())
    with pytest.raises(Exception, match="members") as refusal:
        lab.book(list(node.devices.all()), in_days(2), hours=1)
    assert not isinstance(refusal.value, Refused)
