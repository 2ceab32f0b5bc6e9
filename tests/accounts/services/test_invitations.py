from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail as outbox
from django.core.mail import EmailMultiAlternatives

from accounts.domain.invitations import BETWEEN_MAILS, LIFETIME, MOST_A_DAY, MOST_OPEN
from accounts.errors import InvitationRefused
from accounts.models import Invitation, Notice, Project, ProjectMembership, User
from accounts.services import invitation_mail, invitations, mail, members, stewarding
from common import clock
from common.access import NotAllowed
from tests import factories
from tests.races import at_once, split

ADDRESS = "grace@example.org"


@pytest.fixture
def project(ada: User, lena: User) -> Project:
    return factories.make_project(ada, lead=lena, name="Coastal <b>flood</b> {{ 7 }} atlas")


@pytest.fixture
def grace(db: None) -> User:
    return make_reachable("grace")


def make_reachable(name: str) -> User:
    """Somebody who has proved that the address is theirs."""
    user = factories.make_user(name)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def invite(project: Project, by: User, **fields: Any) -> tuple[Invitation, str]:
    fields = {"email": ADDRESS, "role": "member", "at": clock.now()} | fields
    return invitations.invite(to=project, by=by, **fields)


def mailed() -> EmailMultiAlternatives:
    """The one mail that the sweep sends."""
    assert mail.send_due(at=clock.now()) == 1
    (message,) = outbox.outbox
    assert isinstance(message, EmailMultiAlternatives)
    return message


def test_the_mail_holds_the_only_copy_of_the_secret(project: Project, lena: User) -> None:
    invitation, secret = invite(project, lena)
    message = mailed()
    assert message.to == [ADDRESS]
    assert message.subject == "You are invited to Coastal <b>flood</b> {{ 7 }} atlas on Equinode"
    assert f"/invitations/{secret}/" in message.body
    html, _kind = message.alternatives[0]
    assert "Coastal &lt;b&gt;flood&lt;/b&gt; {{ 7 }} atlas" in html
    assert secret not in str(Invitation.objects.filter(pk=invitation.pk).values().get())
    assert invitation.token_hash == invitation_mail.digest_of(secret)
    assert invitation.expires_at - invitation.created_at == LIFETIME


def test_no_name_brings_a_header_into_the_mail(ada: User, lena: User) -> None:
    """Forms refuse such names; a row from elsewhere must not matter either."""
    project = factories.make_project(ada, lead=lena, name="Atlas\r\nBcc: eve@example.org")
    invite(project, lena)
    message = mailed()
    assert message.subject == "You are invited to Atlas Bcc: eve@example.org on Equinode"
    assert message.recipients() == [ADDRESS]
    assert "\nBcc:" not in message.message().as_string().split("\n\n")[0]


def test_the_mail_speaks_the_language_of_who_has_the_address(
    project: Project, lena: User, grace: User
) -> None:
    User.objects.filter(pk=grace.pk).update(language="fr")
    invite(project, lena)
    assert mailed().subject.startswith("Invitation sur Equinode")


def test_whether_an_address_has_an_account_makes_no_difference(
    project: Project, lena: User, grace: User
) -> None:
    known, _secret = invite(project, lena)
    unknown, _secret = invite(project, lena, email="nobody@example.org")
    told = ("role", "accepted_at", "revoked_at", "invited_by_id")
    assert [getattr(known, name) for name in told] == [getattr(unknown, name) for name in told]


def test_accepting_makes_a_member_with_the_role(project: Project, lena: User, grace: User) -> None:
    _invitation, secret = invite(project, lena, role="lead", email="Grace@Example.ORG")
    accepted = invitations.accept(secret=secret, user=grace, at=clock.now())
    assert accepted.accepted_by == grace
    assert project.memberships.get(user=grace).role == "lead"


def test_a_lead_who_accepts_an_invitation_as_member_stays_lead(
    project: Project, lena: User, grace: User
) -> None:
    _invitation, secret = invite(project, lena)
    ProjectMembership.objects.create(project=project, user=grace, role="lead")
    invitations.accept(secret=secret, user=grace, at=clock.now())
    assert project.memberships.get(user=grace).role == "lead"


def test_a_link_works_once(project: Project, lena: User, grace: User) -> None:
    _invitation, secret = invite(project, lena)
    invitations.accept(secret=secret, user=grace, at=clock.now())
    with pytest.raises(InvitationRefused, match="accepted already"):
        invitations.accept(secret=secret, user=grace, at=clock.now())


def test_a_link_expires(project: Project, lena: User, grace: User) -> None:
    now = clock.now()
    _invitation, secret = invite(project, lena, at=now)
    with pytest.raises(InvitationRefused, match="expired"):
        invitations.accept(secret=secret, user=grace, at=now + LIFETIME)
    invitations.accept(secret=secret, user=grace, at=now + LIFETIME - timedelta(seconds=1))


def test_a_link_is_for_the_address_it_was_sent_to(project: Project, lena: User, mallory: User) -> None:
    _invitation, secret = invite(project, lena)
    refusals = []
    for link in (secret, "no-such-secret"):
        with pytest.raises(NotAllowed) as refusal:
            invitations.accept(secret=link, user=mallory, at=clock.now())
        refusals.append(refusal.value.message)
    assert len(set(refusals)) == 1
    # Having the address is not enough: it must be proved.
    EmailAddress.objects.create(user=mallory, email=ADDRESS, verified=False)
    with pytest.raises(NotAllowed):
        invitations.accept(secret=secret, user=mallory, at=clock.now())
    assert not project.memberships.filter(user=mallory).exists()


def test_declining_ends_it(project: Project, lena: User, grace: User) -> None:
    _invitation, secret = invite(project, lena)
    invitations.decline(secret=secret, user=grace, at=clock.now())
    with pytest.raises(InvitationRefused, match="was declined"):
        invitations.accept(secret=secret, user=grace, at=clock.now())
    invite(project, lena, at=clock.now() + BETWEEN_MAILS)  # and one may ask again


def test_sending_again_ends_the_older_link(project: Project, lena: User, grace: User) -> None:
    now = clock.now()
    invitation, old = invite(project, lena, at=now)
    with pytest.raises(InvitationRefused, match="A mail went out at"):
        invitations.resend(invitation=invitation, by=lena, at=now + BETWEEN_MAILS / 2)
    later = now + BETWEEN_MAILS
    again, new = invitations.resend(invitation=invitation, by=lena, at=later)
    assert again.expires_at == later + LIFETIME
    with pytest.raises(InvitationRefused, match="A newer invitation took the place"):
        invitations.accept(secret=old, user=grace, at=later)
    invitations.accept(secret=new, user=grace, at=later)


def test_a_withdrawn_link_leads_nowhere(project: Project, lena: User, grace: User) -> None:
    invitation, secret = invite(project, lena)
    invitations.revoke(invitation=invitation, by=lena, at=clock.now())
    with pytest.raises(InvitationRefused, match="was withdrawn"):
        invitations.accept(secret=secret, user=grace, at=clock.now())
    with pytest.raises(InvitationRefused, match="was withdrawn"):
        invitations.revoke(invitation=invitation, by=lena, at=clock.now())


def test_withdrawing_does_not_let_one_mail_the_same_address_again_at_once(
    project: Project, lena: User
) -> None:
    now = clock.now()
    invitation, _secret = invite(project, lena, at=now)
    invitations.revoke(invitation=invitation, by=lena, at=now)
    with pytest.raises(InvitationRefused, match="Another one may go at"):
        invite(project, lena, email=ADDRESS.upper(), at=now + BETWEEN_MAILS / 2)
    invite(project, lena, email="alan@example.org", at=now)  # another address may be written to
    invite(project, lena, at=now + BETWEEN_MAILS)


def test_nobody_mails_the_world_by_way_of_this_site(project: Project, lena: User) -> None:
    now = clock.now()
    for number in range(MOST_A_DAY):  # each withdrawn at once, so that none is open
        invitation, _secret = invite(project, lena, email=f"guest{number}@example.org", at=now)
        invitations.revoke(invitation=invitation, by=lena, at=now)
    with pytest.raises(InvitationRefused, match=f"You sent {MOST_A_DAY} invitations"):
        invite(project, lena, at=now)
    with pytest.raises(InvitationRefused, match=f"You sent {MOST_A_DAY} invitations"):
        invite(factories.make_project(lead=lena), lena, at=now)
    invite(project, lena, at=now + timedelta(days=1))


def test_one_address_is_invited_once_at_a_time(project: Project, lena: User, ada: User) -> None:
    now = clock.now()
    invite(project, lena, at=now)
    with pytest.raises(InvitationRefused, match="invited already"):
        invite(project, lena, email=ADDRESS.upper(), at=now)
    with pytest.raises(InvitationRefused, match="is a member already"):
        invite(project, lena, email=ada.email, at=now)
    invite(project, lena, at=now + LIFETIME)  # the first one has expired


def test_only_so_many_invitations_are_open(project: Project, lena: User) -> None:
    for number in range(MOST_OPEN):
        invite(project, lena, email=f"person{number}@example.net")
    with pytest.raises(InvitationRefused, match=f"{MOST_OPEN} invitations are open"):
        invite(project, lena)


def test_only_leads_invite_and_nobody_to_a_personal_project(project: Project, ada: User, lena: User) -> None:
    with pytest.raises(NotAllowed):
        invite(project, ada)
    invitation, _secret = invite(project, lena)
    for verb in (invitations.revoke, invitations.resend):
        with pytest.raises(NotAllowed):
            verb(invitation=invitation, by=ada, at=clock.now())
    own = factories.make_project(lead=ada, personal_to=ada)
    with pytest.raises(InvitationRefused, match="personal project"):
        invite(own, ada)


def test_an_organisation_invites_the_same_way(lena: User, grace: User) -> None:
    organisation = factories.make_organisation(lead=lena)
    _invitation, secret = invitations.invite(
        to=organisation, email=ADDRESS, role="member", by=lena, at=clock.now()
    )
    invitations.accept(secret=secret, user=grace, at=clock.now())
    assert organisation.memberships.get(user=grace).role == "member"


def test_secrets_are_long_and_never_the_same(project: Project, lena: User) -> None:
    found = {invite(project, lena, email=f"{number}@example.net")[1] for number in range(20)}
    assert len(found) == 20
    assert all(re.fullmatch(r"[\w-]{43}", secret) for secret in found)


def test_who_invites_hears_the_answer_and_who_has_an_account_of_the_invitation(
    project: Project, lena: User, grace: User
) -> None:
    _invitation, secret = invite(project, lena)
    assert grace.notices.get().kind == "invitation_received"
    assert secret not in str(grace.notices.values().get())
    invitations.accept(secret=secret, user=grace, at=clock.now())
    told = lena.notices.get()
    assert (told.kind, told.params["outcome"]) == ("invitation_answered", "accepted")


# --- who no longer leads ---
@pytest.fixture
def omar(project: Project) -> User:
    """Leads the project beside Lena."""
    user = factories.make_user("omar")
    ProjectMembership.objects.create(project=project, user=user, role="lead")
    return user


def removed(project: Project, omar: User, lena: User) -> None:
    members.remove(of=project, member=omar, by=lena, at=clock.now())


def demoted(project: Project, omar: User, lena: User) -> None:
    members.change_role(of=project, member=omar, role="member", by=lena, at=clock.now())


def gone(project: Project, omar: User, lena: User) -> None:
    members.leave(of=project, member=omar, at=clock.now())


def handed_over(project: Project, omar: User, lena: User) -> None:
    members.hand_over(of=project, to=lena, by=omar, at=clock.now())


@pytest.mark.parametrize("stop", [removed, demoted, gone, handed_over])
def test_an_invitation_stands_only_while_its_sender_may_invite(
    project: Project, lena: User, omar: User, grace: User, stop: Any
) -> None:
    of_omar, secret = invite(project, omar)
    of_lena, _secret = invite(project, lena, email="alan@example.org")
    stop(project, omar, lena)
    with pytest.raises(InvitationRefused, match="Who sent this invitation may no longer invite to"):
        invitations.accept(secret=secret, user=grace, at=clock.now())
    of_omar.refresh_from_db()
    of_lena.refresh_from_db()
    assert (of_omar.ending, of_lena.ending) == ("sender_gone", "")
    assert mail.send_due(at=clock.now()) == 1  # only Lena's goes out
    told = Notice.objects.get(kind="invitations_withdrawn")
    assert (told.user, told.params["by"], told.params["emails"]) == (lena, "Omar", ADDRESS)
    invite(project, lena, at=clock.now() + BETWEEN_MAILS)  # who leads it still may ask again


def test_who_had_nobody_invited_is_not_told_of(project: Project, lena: User, omar: User) -> None:
    removed(project, omar, lena)
    assert not Notice.objects.filter(kind="invitations_withdrawn").exists()


def test_who_may_still_invite_keeps_what_they_sent(project: Project, lena: User, omar: User) -> None:
    invitation, _secret = invite(project, lena)
    members.change_role(of=project, member=lena, role="lead", by=lena, at=clock.now())
    other = factories.make_project(lead=omar)
    elsewhere, _secret = invite(other, omar)
    removed(project, omar, lena)
    invitation.refresh_from_db()
    elsewhere.refresh_from_db()
    assert (invitation.ending, elsewhere.ending) == ("", "")


def test_to_lead_a_project_of_an_organisation_another_lead_of_it_invites(lena: User, grace: User) -> None:
    """Without that invitation nobody would ever lead the project."""
    omar = factories.make_user("omar")
    lab = factories.make_organisation(lead=lena)
    lab.memberships.create(user=omar, role="lead")
    project = factories.make_project(lead=None, organisation=lab)
    invitation, secret = invitations.issue(to=project, email=ADDRESS, role="lead", by=omar, at=clock.now())
    to_lab, _secret = invitations.invite(to=lab, email=ADDRESS, role="lead", by=omar, at=clock.now())
    members.remove(of=lab, member=omar, by=lena, at=clock.now())
    to_lab.refresh_from_db()
    assert to_lab.ending == "sender_gone"
    invitation.refresh_from_db()
    assert invitation.invited_by == lena
    invitations.accept(secret=secret, user=grace, at=clock.now())
    assert project.memberships.get().user == grace


def test_whose_account_is_closed_invites_nobody(project: Project, lena: User, grace: User) -> None:
    _invitation, secret = invite(project, lena)
    steward = factories.make_user(is_steward=True)
    stewarding.close_person(person=lena, reason="Mails the world", by=steward, at=clock.now())
    with pytest.raises(InvitationRefused, match="may no longer invite"):
        invitations.accept(secret=secret, user=grace, at=clock.now())
    assert mail.send_due(at=clock.now()) == 0


def test_what_is_an_organisations_goes_to_another_lead_who_is_there(lena: User, grace: User) -> None:
    omar, gone, steward = (factories.make_user(), factories.make_user(), factories.make_user(is_steward=True))
    lab = factories.make_organisation(lead=omar)
    for lead in (gone, lena):
        lab.memberships.create(user=lead, role="lead")
    stewarding.close_person(person=gone, reason="Left", by=steward, at=clock.now())
    project = factories.make_project(lead=None, organisation=lab)
    invitation, secret = invitations.issue(to=project, email=ADDRESS, role="lead", by=omar, at=clock.now())
    stewarding.close_person(person=omar, reason="Mails the world", by=steward, at=clock.now())
    invitation.refresh_from_db()
    assert invitation.invited_by == lena
    invitations.accept(secret=secret, user=grace, at=clock.now())
    assert project.memberships.get().user == grace


def test_a_link_that_waited_for_its_mail_opens_after_the_sites_key_was_changed(
    project: Project, lena: User, grace: User, settings: Any
) -> None:
    invite(project, lena)
    settings.SECRET_KEY = "another " * 8
    found = re.search(r"/invitations/([\w-]+)/", str(mailed().body))
    assert found
    invitations.accept(secret=found[1], user=grace, at=clock.now())


# --- at once, on committed data ---
@pytest.mark.django_db(transaction=True)
def test_a_link_accepted_and_withdrawn_at_once_is_one_of_both() -> None:
    for number in range(5):
        lead, guest = factories.make_user(), make_reachable(f"guest{number}")
        project = factories.make_project(lead=lead)
        invitation, secret = invite(project, lead, email=guest.email)
        done, refused = split(
            at_once(
                partial(invitations.accept, secret=secret, user=guest, at=clock.now()),
                partial(invitations.accept, secret=secret, user=guest, at=clock.now()),
                partial(invitations.revoke, invitation=invitation, by=lead, at=clock.now()),
            )
        )
        assert len(done) == 1
        assert {type(answer) for answer in refused} == {InvitationRefused}
        invitation.refresh_from_db()
        is_member = project.memberships.filter(user=guest).exists()
        assert is_member == (invitation.accepted_at is not None) == (invitation.revoked_at is None)


@pytest.mark.django_db(transaction=True)
def test_an_address_invited_by_two_leads_at_once_gets_one_mail() -> None:
    lead, other = factories.make_user(), factories.make_user()
    project = factories.make_project(lead=lead)
    project.memberships.create(user=other, role="lead")
    done, refused = split(at_once(*(partial(invite, project, by) for by in (lead, other))))
    assert (len(done), [type(answer) for answer in refused]) == (1, [InvitationRefused])
    assert sum(at_once(*[partial(mail.send_due, at=clock.now())] * 2)) == len(outbox.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_accepted_twice_at_once_makes_one_member() -> None:
    lead, guest = factories.make_user(), make_reachable("guest")
    project = factories.make_project(lead=lead)
    _invitation, secret = invite(project, lead, email=guest.email)
    done, refused = split(
        at_once(*[partial(invitations.accept, secret=secret, user=guest, at=clock.now())] * 8)
    )
    assert (len(done), {type(answer) for answer in refused}) == (1, {InvitationRefused})
    assert project.memberships.filter(user=guest).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_leads_many_projects_sends_no_more_a_day_from_all_of_them_at_once() -> None:
    """Seen to fail without the person's lock in _require_few_today: every caller counts one too few."""
    lead, now = factories.make_user(), clock.now()
    projects = [factories.make_project(lead=lead) for _ in range(8)]
    Invitation.objects.bulk_create(
        Invitation(
            project=projects[0], email=f"{number}@example.net", role="member", invited_by=lead,
            token_hash=f"{number}", created_at=now, expires_at=now, mail_due_at=now, mail="sent",
        )
        for number in range(MOST_A_DAY - 1)
    )  # fmt: skip
    done, refused = split(at_once(*(partial(invite, project, lead, at=now) for project in projects)))
    assert (len(done), {type(answer) for answer in refused}) == (1, {InvitationRefused})
    assert Invitation.objects.filter(invited_by=lead).count() == MOST_A_DAY


@pytest.mark.django_db(transaction=True)
def test_nobody_joins_by_the_invitation_of_who_was_removed_a_moment_before() -> None:
    """Seen to fail without the withdrawal under the lock in members._end: somebody joins afterwards."""
    for number in range(5):
        lead, removed, guest = factories.make_user(), factories.make_user(), make_reachable(f"guest{number}")
        project = factories.make_project(lead=lead)
        project.memberships.create(user=removed, role="lead")
        invitation, secret = invite(project, removed, email=guest.email)
        at_once(
            partial(invitations.accept, secret=secret, user=guest, at=clock.now()),
            partial(members.remove, of=project, member=removed, by=lead, at=clock.now()),
            partial(invite, project, removed, email="another@example.org"),
        )
        invitation.refresh_from_db()
        is_member = project.memberships.filter(user=guest).exists()
        assert is_member == (invitation.ending == "") == (invitation.accepted_at is not None)
        assert not Invitation.objects.open(clock.now()).filter(invited_by=removed).exists()
