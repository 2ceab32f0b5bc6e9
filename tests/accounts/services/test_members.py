from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import DatabaseError

from accounts.errors import LastLead, MembershipRefused, NoSuchMember
from accounts.models import ApiToken, Notice, Organisation, Project, ProjectMembership, User
from accounts.services import members
from common import clock
from common.access import NotAllowed
from tests import factories
from tests.races import at_once, split

LEAD, MEMBER = ProjectMembership.Role.LEAD, ProjectMembership.Role.MEMBER


def roles(of: Project | Organisation) -> dict[str, str]:
    return {one.user.name: one.role for one in of.memberships.select_related("user")}


@pytest.fixture
def lab(ada: User, lena: User) -> Project:
    return factories.make_project(ada, lead=lena)


def make_token(user: User, project: Project | None) -> ApiToken:
    now = clock.now()
    return ApiToken.objects.create(
        user=user, project=project, name="Laptop", scopes=["read"], hint="eqn_", created_at=now,
        token_hash=f"{user.pk}-{project and project.pk}", expires_at=now + timedelta(days=9),
    )  # fmt: skip


def test_a_lead_makes_another_lead_and_may_step_down_then(lab: Project, ada: User, lena: User) -> None:
    with pytest.raises(LastLead, match="Lena is the only lead"):
        members.change_role(of=lab, member=lena, role=MEMBER, by=lena, at=clock.now())
    members.change_role(of=lab, member=ada, role=LEAD, by=lena, at=clock.now())
    members.change_role(of=lab, member=lena, role=MEMBER, by=lena, at=clock.now())
    assert roles(lab) == {"Ada": LEAD, "Lena": MEMBER}


def test_handing_over_swaps_both_roles(lab: Project, ada: User, lena: User) -> None:
    members.hand_over(of=lab, to=ada, by=lena, at=clock.now())
    assert roles(lab) == {"Ada": LEAD, "Lena": MEMBER}
    with pytest.raises(NotAllowed):
        members.hand_over(of=lab, to=lena, by=lena, at=clock.now())


def test_the_only_lead_cannot_leave_others_alone(lab: Project, lena: User) -> None:
    with pytest.raises(LastLead, match="Make another member lead first, or remove the others and close it"):
        members.leave(of=lab, member=lena, at=clock.now())
    assert roles(lab)["Lena"] == LEAD


def test_the_last_of_all_leaves_a_project_that_is_over(lab: Project, ada: User, lena: User) -> None:
    now = clock.now()
    members.leave(of=lab, member=ada, at=now)
    with pytest.raises(LastLead, match="close the project first"):
        members.leave(of=lab, member=lena, at=now)
    Project.objects.filter(pk=lab.pk).update(expires_at=now)
    members.leave(of=lab, member=lena, at=now)
    assert roles(lab) == {}


def test_the_last_of_an_organisation_asks_a_steward(lena: User) -> None:
    organisation = factories.make_organisation(lead=lena)
    with pytest.raises(LastLead, match="ask a steward"):
        members.leave(of=organisation, member=lena, at=clock.now())


def test_a_personal_project_is_kept_and_not_handed_over(ada: User, lena: User) -> None:
    own = factories.make_project(ada, lead=lena, personal_to=lena)
    with pytest.raises(MembershipRefused, match="personal project"):
        members.leave(of=own, member=lena, at=clock.now())
    with pytest.raises(MembershipRefused, match="not handed over"):
        members.hand_over(of=own, to=ada, by=lena, at=clock.now())


def test_tokens_for_the_project_die_with_the_membership(lab: Project, ada: User, lena: User) -> None:
    own, other = make_token(ada, lab), make_token(ada, None)
    now = clock.now()
    members.remove(of=lab, member=ada, by=lena, at=now)
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.revoked_at, other.revoked_at) == (now, None)
    assert roles(lab) == {"Lena": LEAD}


def test_one_leaves_and_does_not_remove_oneself(lab: Project, lena: User) -> None:
    with pytest.raises(MembershipRefused, match="leave instead"):
        members.remove(of=lab, member=lena, by=lena, at=clock.now())


def test_who_is_no_member_is_not_changed(lab: Project, lena: User, mallory: User) -> None:
    with pytest.raises(NoSuchMember):
        members.remove(of=lab, member=mallory, by=lena, at=clock.now())
    with pytest.raises(NoSuchMember):
        members.leave(of=lab, member=mallory, at=clock.now())


def test_only_leads_change_anything(lab: Project, ada: User, lena: User, mallory: User) -> None:
    for by in (ada, mallory):
        for change in (
            partial(members.change_role, of=lab, member=ada, role=LEAD, at=clock.now()),
            partial(members.set_cap, project=lab, member=ada, monthly_cap=Decimal(1)),
            partial(members.remove, of=lab, member=lena, at=clock.now()),
            partial(members.hand_over, of=lab, to=ada, at=clock.now()),
        ):
            with pytest.raises(NotAllowed):
                change(by=by)
    assert roles(lab) == {"Ada": MEMBER, "Lena": LEAD}


def test_a_cap_is_set_and_taken_away(lab: Project, ada: User, lena: User) -> None:
    for cap in (Decimal("12.5"), None):
        members.set_cap(project=lab, member=ada, monthly_cap=cap, by=lena)
        assert lab.memberships.get(user=ada).monthly_cap == cap
    with pytest.raises(MembershipRefused):
        members.set_cap(project=lab, member=ada, monthly_cap=Decimal(-1), by=lena)


def test_role_and_cap_change_together_or_not_at_all(lab: Project, lena: User) -> None:
    with pytest.raises(LastLead):
        members.set_role_and_cap(
            project=lab, member=lena, role=MEMBER, monthly_cap=Decimal(3), by=lena, at=clock.now()
        )
    assert lab.memberships.get(user=lena).monthly_cap is None


def test_a_member_hears_of_what_a_lead_changed(lab: Project, ada: User, lena: User) -> None:
    members.change_role(of=lab, member=ada, role=LEAD, by=lena, at=clock.now())
    members.remove(of=lab, member=lena, by=ada, at=clock.now())
    told = [(one.user.name, one.kind, one.params["by"]) for one in Notice.objects.order_by("id")]
    assert told == [("Ada", "role_changed", "Lena"), ("Lena", "member_removed", "Ada")]


# --- at once, on committed data ---
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["project", "organisation"])
def test_two_leads_removing_each_other_at_once_leave_one(kind: str) -> None:
    for _ in range(5):
        one, other, third = (factories.make_user() for _ in range(3))
        of = factories.make_project(third, lead=one) if kind == "project" else _organisation(one, third)
        of.memberships.create(user=other, role=LEAD)
        done, refused = split(
            at_once(
                partial(members.remove, of=of, member=other, by=one, at=clock.now()),
                partial(members.remove, of=of, member=one, by=other, at=clock.now()),
            )
        )
        assert (len(done), [type(answer) for answer in refused]) == (1, [NotAllowed])
        assert sorted(of.memberships.values_list("role", flat=True)) == [LEAD, MEMBER]


@pytest.mark.django_db(transaction=True)
def test_of_two_leads_stepping_down_or_leaving_at_once_one_stays() -> None:
    for change in ("step down", "leave"):
        for _ in range(5):
            one, other = factories.make_user(), factories.make_user()
            project = factories.make_project(factories.make_user(), lead=one)
            project.memberships.create(user=other, role=LEAD)
            calls = [
                partial(members.change_role, of=project, member=lead, role=MEMBER, by=lead, at=clock.now())
                if change == "step down"
                else partial(members.leave, of=project, member=lead, at=clock.now())
                for lead in (one, other)
            ]
            done, refused = split(at_once(*calls))
            assert (len(done), [type(answer) for answer in refused]) == (1, [LastLead])
            assert project.memberships.filter(role=LEAD).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_keeps_a_lead_for_every_member() -> None:
    lead, member = factories.make_user(), factories.make_user()
    project = factories.make_project(member, lead=lead)
    theirs = ProjectMembership.objects.filter(project=project, user=lead)
    for change in (partial(theirs.update, role=MEMBER), theirs.delete):
        with pytest.raises(DatabaseError, match="has members and no lead"):
            change()
    ProjectMembership.objects.filter(project=project).delete()  # nobody is left to be led


def _organisation(lead: User, member: User) -> Organisation:
    organisation = factories.make_organisation(lead=lead)
    organisation.memberships.create(user=member)
    return organisation
