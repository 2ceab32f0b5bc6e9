"""The pages of a project's members, as everybody who might come there."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, Invitation, Project, ProjectMembership
from accounts.services import invitations
from common import clock
from tests import factories
from tests.reservations.services.worlds import in_days
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
LEADS_ONLY = {"steward": 404, "stranger": 302, "outsider": 404, "member": 403}
MEMBERS = {"steward": 404, "stranger": 302, "outsider": 404, "member": 200, "lead": 200}
NASTY = "<script>alert(1)</script> {{ 7|add:7 }}"


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast(name=NASTY)


def at(cast: Cast, rest: str = "members/") -> str:
    return f"/projects/{cast.project.slug}/{rest}"


# --- who may come ---
def test_members_see_the_list_and_others_do_not(cast: Cast) -> None:
    assert cast.statuses("get", at(cast)) == MEMBERS
    assert cast.statuses("get", at(cast, "leave/")) == MEMBERS
    assert cast.statuses("get", at(cast, f"members/{cast.member.uid}/")) == {**LEADS_ONLY, "lead": 200}


def test_only_leads_invite(cast: Cast) -> None:
    data: dict[str, object] = {"email": "grace@example.org", "role": "member"}
    assert cast.statuses("post", at(cast, "members/invite/"), data) == {**LEADS_ONLY, "lead": 302}
    assert Invitation.objects.get().invited_by == cast.lead


def test_only_leads_change_roles_and_caps(cast: Cast) -> None:
    data: dict[str, object] = {"role": "lead", "monthly_cap": "12.5"}
    address = at(cast, f"members/{cast.member.uid}/")
    assert cast.statuses("post", address, data) == {**LEADS_ONLY, "lead": 302}
    membership = cast.project.memberships.get(user=cast.member)
    assert (membership.role, membership.monthly_cap) == ("lead", Decimal("12.5"))


@pytest.mark.parametrize("verb", ["hand-over", "remove"])
def test_only_leads_hand_over_and_remove(cast: Cast, verb: str) -> None:
    address = at(cast, f"members/{cast.member.uid}/{verb}/")
    assert cast.statuses("post", address) == {**LEADS_ONLY, "lead": 302}


@pytest.mark.parametrize("verb", ["resend", "revoke"])
def test_only_leads_send_again_and_withdraw(cast: Cast, verb: str) -> None:
    earlier = clock.now() - timedelta(hours=1)
    invitation, _secret = invitations.invite(
        to=cast.project, email="grace@example.org", role="member", by=cast.lead, at=earlier
    )
    address = at(cast, f"invitations/{invitation.uid}/{verb}/")
    assert cast.statuses("post", address) == {**LEADS_ONLY, "lead": 302}
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


def test_an_invitation_of_another_project_is_not_found(cast: Cast) -> None:
    other = factories.make_project(lead=cast.outsider)
    invitation, _secret = invitations.invite(
        to=other, email="grace@example.org", role="member", by=cast.outsider, at=clock.now()
    )
    answer = cast.signed_in("lead").post(at(cast, f"invitations/{invitation.uid}/revoke/"))
    assert answer.status_code == 404
    answer = cast.signed_in("lead").get(at(cast, f"members/{cast.outsider.uid}/"))
    assert answer.status_code == 404


def test_reading_changes_nothing(cast: Cast) -> None:
    for rest in ("members/invite/", f"members/{cast.member.uid}/remove/"):
        assert cast.signed_in("lead").get(at(cast, rest)).status_code == 405


# --- what they show ---
def test_only_leads_read_addresses_and_open_invitations(cast: Cast) -> None:
    invitations.invite(
        to=cast.project, email="grace@example.org", role="member", by=cast.lead, at=clock.now()
    )
    for who, sees in (("lead", True), ("member", False)):
        text = cast.signed_in(who).get(at(cast)).content.decode()
        assert ("grace@example.org" in text, cast.lead.email in text) == (sees, sees)


def test_names_are_shown_as_text(cast: Cast) -> None:
    cast.member.name = NASTY
    cast.member.save()
    cast.book()
    for rest in ("members/", f"members/{cast.member.uid}/", "leave/", "settings/"):
        text = cast.signed_in("lead").get(at(cast, rest)).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7|add:7 }}" in text
        assert "<script>alert" not in text


def test_the_month_of_a_member_counts_as_the_cap_does(cast: Cast) -> None:
    cast.book()
    rows = cast.signed_in("lead").get(at(cast)).context["page"].members
    booked = {row.name: row.booked for row in rows}
    is_this_month = in_days(2).month == clock.now().month
    assert booked["Mila"] == (Decimal(2) if is_this_month else Decimal(0))
    assert booked["Leo"] == 0


def test_the_queries_do_not_grow_with_members_slots_and_invitations(cast: Cast) -> None:
    cast.book()
    for number in range(12):
        ProjectMembership.objects.create(project=cast.project, user=factories.make_user())
        invitations.invite(
            to=cast.project, email=f"{number}@example.net", role="member", by=cast.lead, at=clock.now()
        )
    client = cast.signed_in("lead")
    for rest in ("members/", f"members/{cast.member.uid}/", "leave/", "settings/"):
        client.get(at(cast, rest))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(at(cast, rest)).status_code == 200
        assert len(queries) <= 8, (rest, [query["sql"][:90] for query in queries])


# --- what they do ---
def test_what_was_typed_is_kept_beside_what_was_wrong(cast: Cast) -> None:
    client = cast.signed_in("lead")
    answer = client.post(at(cast, "members/invite/"), {"email": "not an address", "role": "lead"})
    assert answer.status_code == 400
    assert 'value="not an address"' in answer.content.decode()
    answer = client.post(at(cast, "members/invite/"), {"email": cast.member.email, "role": "member"})
    assert answer.status_code == 409
    assert "is a member already" in answer.content.decode()
    answer = client.post(at(cast, f"members/{cast.member.uid}/"), {"role": "king", "monthly_cap": "-1"})
    assert answer.status_code == 400
    assert not mail.outbox


def test_who_cannot_leave_finds_what_would_work_in_place_of_the_button(cast: Cast) -> None:
    button, client = "Leave this project</button>", cast.signed_in("lead")
    assert button in cast.signed_in("member").get(at(cast, "leave/")).content.decode()
    page = client.get(at(cast, "leave/")).content.decode()
    assert button not in page
    assert "You are its only lead" in page
    assert f'href="{at(cast)}">Choose who is to lead' in page
    cast.project.memberships.filter(user=cast.member).delete()
    page = client.get(at(cast, "leave/")).content.decode()
    assert button not in page
    assert "You are its only member" in page
    assert f'href="{at(cast, "settings/")}"' in page
    Project.objects.update(expires_at=clock.now())
    assert button in client.get(at(cast, "leave/")).content.decode()  # over: the last of all may go


def test_a_lead_beside_another_may_leave_and_reads_what_becomes_of_invitations(cast: Cast) -> None:
    cast.project.memberships.filter(user=cast.member).update(role="lead")
    page = cast.signed_in("lead").get(at(cast, "leave/")).content.decode()
    assert "Leave this project</button>" in page
    assert "Whom you invited and who has not answered" in page
    assert cast.signed_in("lead").post(at(cast, "leave/")).status_code == 302


def test_the_only_lead_is_told_what_would_work(cast: Cast) -> None:
    client = cast.signed_in("lead")
    answer = client.post(at(cast, "leave/"))
    assert answer.status_code == 409
    assert "Make another member lead first, or remove the others and close it." in answer.content.decode()
    answer = client.post(at(cast, f"members/{cast.lead.uid}/"), {"role": "member", "monthly_cap": ""})
    assert answer.status_code == 409
    assert "is the only lead" in answer.content.decode()


def test_removal_says_first_what_becomes_of_slots_and_tokens(cast: Cast) -> None:
    cast.book()
    now = clock.now()
    ApiToken.objects.create(
        user=cast.member, project=cast.project, name="Laptop", scopes=["read"], hint="eqn_", created_at=now,
        token_hash="x", expires_at=now + timedelta(days=9),
    )  # fmt: skip
    client = cast.signed_in("lead")
    text = client.get(at(cast, f"members/{cast.member.uid}/")).content.decode()
    assert "1 slot stays booked for the project; its leads can cancel it." in text
    assert "1 token of the project stops working." in text
    client.post(at(cast, f"members/{cast.member.uid}/remove/"))
    assert cast.project.reservations.get().state == "booked"
    assert ApiToken.objects.get().revoked_at is not None
    assert cast.signed_in("member").get(at(cast)).status_code == 404


def test_a_member_leaves(cast: Cast) -> None:
    answer = cast.signed_in("member").post(at(cast, "leave/"))
    assert (answer.status_code, answer["Location"]) == (302, "/projects/")
    assert not cast.project.memberships.filter(user=cast.member).exists()


def test_after_handing_over_the_former_lead_has_no_right_any_more(cast: Cast) -> None:
    client = cast.signed_in("lead")
    client.post(at(cast, f"members/{cast.member.uid}/hand-over/"))
    assert client.get(at(cast, f"members/{cast.member.uid}/")).status_code == 403
    assert cast.signed_in("member").get(at(cast, f"members/{cast.lead.uid}/")).status_code == 200
