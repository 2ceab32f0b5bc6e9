from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, Organisation, OrganisationMembership, User
from common import clock
from tests import factories

pytestmark = pytest.mark.django_db
NASTY = "<script>alert(1)</script>{{ 7|add:7 }}{% now 'Y' %}"


@pytest.fixture
def organisation(lead: User, member: User) -> Organisation:
    made = factories.make_organisation("funder", lead=lead, name="Fund for Eddies", slug="eddies")
    OrganisationMembership.objects.create(organisation=made, user=member)
    return made


@pytest.fixture
def lead() -> User:
    return factories.make_user("leonor")


@pytest.fixture
def member() -> User:
    return factories.make_user("mina")


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user("stella", is_steward=True))


def signed_in(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def everybody(organisation: Organisation, steward: User) -> dict[str, User | None]:
    people = {one.role: one.user for one in organisation.memberships.select_related("user")}
    funder = factories.make_user()
    factories.make_organisation("funder", lead=funder)
    return {
        "stranger": None, "outsider": factories.make_user(), "member": people["member"],
        "lead": people["lead"], "funder": funder, "steward": steward,
    }  # fmt: skip


ADDRESSES: list[tuple[str, str, dict[str, Any]]] = [
    ("organisation_members", "get", {}),
    ("organisation_invite", "post", {"email": "new@example.org", "role": "member"}),
    ("organisation_ask_again", "get", {}),
    ("organisation_leave", "post", {}),
]
LEADS_ONLY = {"stranger": 302, "outsider": 404, "member": 403, "funder": 404, "steward": 404}
MEMBERS = {"stranger": 302, "outsider": 404, "funder": 404, "steward": 404}
EXPECTED = {
    "organisation_members": MEMBERS | {"member": 200, "lead": 200},
    "organisation_invite": LEADS_ONLY | {"lead": 302},
    "organisation_ask_again": LEADS_ONLY | {"lead": 200},
    "organisation_leave": MEMBERS | {"lead": 409, "member": 302},
}


@pytest.mark.parametrize(("name", "method", "body"), ADDRESSES, ids=lambda value: str(value)[:30])
def test_who_may_what(
    name: str, method: str, body: dict[str, Any], organisation: Organisation, steward: User
) -> None:
    url = reverse(name, args=[organisation.slug])
    answers = {
        who: getattr(signed_in(user), method)(url, body).status_code
        for who, user in everybody(organisation, steward).items()
    }
    assert answers == EXPECTED[name]


@pytest.mark.parametrize(
    "name", ["organisation_member", "organisation_hand_over", "organisation_member_remove"]
)
def test_only_leads_change_members(name: str, organisation: Organisation, steward: User) -> None:
    someone = factories.make_user()
    OrganisationMembership.objects.create(organisation=organisation, user=someone)
    url = reverse(name, args=[organisation.slug, someone.uid])
    people = everybody(organisation, steward)
    lead = people.pop("lead")
    assert {
        who: signed_in(user).post(url, {"role": "lead"}).status_code for who, user in people.items()
    } == LEADS_ONLY
    assert organisation.memberships.get(user=someone).role == "member"
    assert signed_in(lead).post(url, {"role": "lead"}).status_code == 302


@pytest.mark.parametrize("name", ["organisation_invitation_resend", "organisation_invitation_revoke"])
def test_only_leads_touch_invitations_of_their_own(
    name: str, organisation: Organisation, steward: User, lead: User
) -> None:
    signed_in(lead).post(
        reverse("organisation_invite", args=["eddies"]), {"email": "new@example.org", "role": "member"}
    )
    invitation = Invitation.objects.get()
    url = reverse(name, args=["eddies", invitation.uid])
    people = everybody(organisation, steward)
    people.pop("lead")
    assert {who: signed_in(user).post(url).status_code for who, user in people.items()} == LEADS_ONLY
    other = factories.make_organisation(lead=lead)
    assert signed_in(lead).post(reverse(name, args=[other.slug, invitation.uid])).status_code == 404
    answer = signed_in(lead).post(url)
    if name.endswith("revoke"):
        assert answer.status_code == 302
        invitation.refresh_from_db()
        assert invitation.revoked_at is not None
    else:  # a mail has just gone
        assert answer.status_code == 409


def test_the_list_is_public_and_names_those_verified(organisation: Organisation, steward: User) -> None:
    waiting = factories.make_organisation(name="Waiting Lab")
    Organisation.objects.filter(pk=waiting.pk).update(verified_at=None)
    for who, user in everybody(organisation, steward).items():
        page = signed_in(user).get(reverse("organisations")).content.decode()
        assert "Fund for Eddies" in page, who
        assert "Waiting Lab" not in page, who


def test_what_waits_is_shown_to_its_people_and_stewards_only(
    organisation: Organisation, steward: User
) -> None:
    Organisation.objects.update(verified_at=None)
    url = organisation.get_absolute_url()
    people = everybody(organisation, steward)
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    answers = {who: signed_in(user).get(url).status_code for who, user in people.items()}
    assert answers == {
        "stranger": 404, "outsider": 404, "member": 200, "lead": 200, "funder": 404, "steward": 200,
    }  # fmt: skip
    assert "A steward looks at it first" in signed_in(people["lead"]).get(url).content.decode()


def test_evidence_and_members_are_not_public(organisation: Organisation, lead: User) -> None:
    Organisation.objects.update(evidence="Register 12 345")
    public = signed_in(None).get(organisation.get_absolute_url()).content.decode()
    own = signed_in(lead).get(organisation.get_absolute_url()).content.decode()
    assert ("Register 12 345" in public, "Mina" in public) == (False, False)
    assert ("Register 12 345" in own, "Mina" in own) == (True, True)


def registration(**fields: str) -> dict[str, str]:
    return {
        "name": "Centre", "kind": "lab", "country": "SE", "website": "https://example.org",
        "register": "Bolagsverket", "number": "556000-0000",
    } | fields  # fmt: skip


def test_registering_needs_to_be_signed_in() -> None:
    assert signed_in(None).post(reverse("organisation_register"), registration()).status_code == 302
    assert not Organisation.objects.exists()


def test_who_registers_leads_what_then_waits() -> None:
    ada = factories.make_user()
    answer = signed_in(ada).post(reverse("organisation_register"), registration())
    made = Organisation.objects.led_by(ada).get()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/organisations/centre/")
    assert (made.evidence, made.verified_at) == ("Bolagsverket, 556000-0000", None)


@pytest.mark.parametrize(
    ("field", "text"),
    [("name", "Centre\nBcc: all"), ("country", "XX"), ("kind", "king"), ("website", "javascript:alert(1)"),
     ("number", "1\r\n2"), ("register", ""), ("name", "x" * 151)],
)  # fmt: skip
def test_a_form_that_cannot_be_read_keeps_what_was_typed(field: str, text: str) -> None:
    answer = signed_in(factories.make_user()).post(
        reverse("organisation_register"), registration(**{field: text})
    )
    assert answer.status_code == 400
    assert "556000-0000" in answer.content.decode() or field == "number"
    assert not Organisation.objects.exists()


def test_names_are_text_everywhere(steward: User) -> None:
    ada = factories.make_user()
    client = signed_in(ada)
    client.post(reverse("organisation_register"), registration(name=NASTY, number=NASTY))
    made = Organisation.objects.led_by(ada).get()
    pages = [
        client.get(made.get_absolute_url()), client.get(reverse("organisations")),
        client.get(reverse("organisation_members", args=[made.slug])),
        signed_in(steward).get(reverse("steward_organisations")),
        signed_in(steward).get(reverse("steward_organisation", args=[made.slug])),
    ]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "{{ 7|add:7 }}" in page.content.decode()


def test_stewards_alone_see_the_queue_and_answer(organisation: Organisation, steward: User) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    queue = reverse("steward_organisations")
    case = reverse("steward_organisation", args=[organisation.slug])
    people = everybody(organisation, steward)
    people.pop("steward")
    nobody = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404, "funder": 404}
    for url in (queue, case):
        assert {who: signed_in(user).get(url).status_code for who, user in people.items()} == nobody
    said = {who: signed_in(user).post(case, {"answer": "verify"}).status_code for who, user in people.items()}
    assert said == nobody
    organisation.refresh_from_db()
    assert organisation.verified_at is None
    assert "Fund for Eddies" in signed_in(steward).get(queue).content.decode()
    assert signed_in(steward).post(case, {"answer": "verify"}).status_code == 302
    organisation.refresh_from_db()
    assert organisation.decided_by == steward


def test_a_steward_reads_of_their_own_organisation_that_another_answers(
    organisation: Organisation, steward: User
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    organisation.memberships.create(user=steward)
    case = reverse("steward_organisation", args=[organisation.slug])
    page = signed_in(steward).get(case).content.decode()
    assert "another steward answers" in page
    assert 'value="verify"' not in page
    for answer in ("verify", "decline"):
        refused = signed_in(steward).post(case, {"answer": answer, "reason": "Seen"})
        assert refused.status_code == 409
        assert "You belong to Fund for Eddies: another steward answers." in refused.content.decode()
    in_admin = reverse("admin:accounts_organisation_changelist")
    User.objects.filter(pk=steward.pk).update(is_staff=True, is_superuser=True)
    asked = {"action": "verify", "_selected_action": [organisation.pk]}
    told = signed_in(steward).post(in_admin, asked, follow=True)
    assert told.status_code == 200
    assert "another steward answers" in told.content.decode()
    organisation.refresh_from_db()
    assert (organisation.verified_at, organisation.declined_at) == (None, None)


def test_a_steward_without_a_second_factor_answers_nothing(organisation: Organisation) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    case = reverse("steward_organisation", args=[organisation.slug])
    alone = factories.make_user(is_steward=True)
    assert signed_in(alone).post(case, {"answer": "verify"}).status_code == 403
    organisation.refresh_from_db()
    assert organisation.verified_at is None


def test_declining_needs_a_reason_and_leads_ask_again(
    organisation: Organisation, steward: User, lead: User
) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    case = reverse("steward_organisation", args=[organisation.slug])
    client = signed_in(steward)
    assert client.post(case, {"answer": "decline"}).status_code == 400
    assert client.post(case, {"answer": "decline", "reason": "No such number"}).status_code == 302
    again = client.post(case, {"answer": "verify"})
    assert again.status_code == 409
    assert "was declined on" in again.content.decode()
    page = signed_in(lead).get(organisation.get_absolute_url()).content.decode()
    assert "No such number" in page
    asked = signed_in(lead).post(
        reverse("organisation_ask_again", args=["eddies"]),
        {"website": "https://example.org", "register": "SIREN", "number": "1"},
    )
    assert asked.status_code == 302
    assert Organisation.objects.waiting().get() == organisation


@pytest.mark.parametrize(
    ("name", "has_slug", "by_steward"),
    [("organisations", False, False), ("organisation", True, False), ("organisation_members", True, False),
     ("organisation_register", False, False), ("steward_organisations", False, True),
     ("steward_organisation", True, True)],
)  # fmt: skip
def test_a_page_costs_at_most_eight_queries(
    name: str, has_slug: bool, by_steward: bool, organisation: Organisation, lead: User, steward: User,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for _ in range(5):
        other = factories.make_organisation(lead=lead)
        OrganisationMembership.objects.create(organisation=organisation, user=factories.make_user())
        Organisation.objects.filter(pk=other.pk).update(verified_at=None)
        Invitation.objects.create(
            organisation=organisation, email=f"{other.slug}@example.org", role="member", invited_by=lead,
            token_hash=other.slug, created_at=clock.now(), expires_at=clock.now(),
            mail_due_at=clock.now(),
        )  # fmt: skip
    client = signed_in(steward if by_steward else lead)
    client.get(reverse("organisations"))  # the session and what is kept for a while
    with django_assert_max_num_queries(8):
        client.get(reverse(name, args=[organisation.slug] if has_slug else []))
