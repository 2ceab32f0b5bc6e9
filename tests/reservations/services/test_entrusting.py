"""An organisation is entrusted with an account of the share tree: which, by whom, what is kept and told."""

from __future__ import annotations

import pytest

from accounts.errors import StewardActRefused
from accounts.models import Notice, Organisation, OrganisationMembership, Project, StewardAct, User
from common import clock
from common.access import NotAllowed
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.selectors.entrusting import entrusted
from reservations.services import entrusting, inside, shares
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.test_moving import make_account, make_steward
from tests.reservations.services.worlds import make_lab

pytestmark = pytest.mark.django_db


def make_funder(**fields: object) -> Organisation:
    return factories.make_organisation("funder", lead=factories.make_user(), **fields)


def lead_of(organisation: Organisation) -> User:
    return organisation.memberships.get().user


def open_account(
    organisation: Organisation,
    parent: Vertex | None,
    name: str = "Agency",
    count: int | None = 4,
    by: User | None = None,
    reason: str = "Agreed",
) -> Vertex:
    return entrusting.open_account(
        organisation=organisation, parent=parent, name=name, count=count, reason=reason,
        by=by or make_steward(), at=clock.now(),
    )  # fmt: skip


def entrust(
    organisation: Organisation,
    account: Vertex,
    count: int | None = None,
    by: User | None = None,
    reason: str = "Agreed",
) -> Vertex:
    return entrusting.entrust(
        organisation=organisation, account=account, count=count, reason=reason, by=by or make_steward(),
        at=clock.now(),
    )  # fmt: skip


def change(organisation: Organisation, account: Vertex, count: int) -> Vertex:
    return entrusting.change_shares(
        organisation=organisation, account=account, count=count, reason="Agreed", by=make_steward(),
        at=clock.now(),
    )  # fmt: skip


def take_back(organisation: Organisation, account: Vertex) -> Vertex:
    return entrusting.take_back(
        organisation=organisation, account=account, reason="Over", by=make_steward(), at=clock.now()
    )


def test_a_lead_opens_projects_in_a_new_account() -> None:
    funder, above = make_funder(), make_account("Funders", 3)
    account = open_account(funder, above)
    opened = inside.open_inside(
        organisation=funder, account=account, name="Atlas", summary="", shares_among_siblings=1,
        project_class="independent", class_expires_at=None, reason="", lead_email="head@example.org",
        by=lead_of(funder), at=clock.now(),
    )  # fmt: skip
    assert Vertex.objects.get(project=opened).path == [above.pk, account.pk, opened.vertex.pk]
    make_account("Others", 9)
    only = entrusted(organisation=funder, at=clock.now())[0]
    assert (only.path, only.shares, only.of_account, only.of_all) == ("Funders / Agency", 4, 1.0, 0.25)


def test_an_account_keeps_its_projects_and_its_shares() -> None:
    funder, lab, account = make_funder(), make_lab(), make_account("Universities", 3)
    Vertex.objects.filter(pk=lab.vertex.pk).update(parent=account, path=[account.pk, lab.vertex.pk])
    given = entrust(funder, account)
    assert (given.organisation, given.shares) == (funder, 3)
    assert entrusted(organisation=funder, at=clock.now())[0].projects == 1
    assert entrust(make_funder(), make_account("Schools", 1), 8).shares == 8


def test_every_act_is_kept_and_the_leads_alone_are_told() -> None:
    funder, account, steward = make_funder(), make_account(), make_steward()
    lead = lead_of(funder)
    OrganisationMembership.objects.create(organisation=funder, user=factories.make_user(), role="member")
    entrust(funder, account, by=steward)
    change(funder, account, 5)
    take_back(funder, account)
    kept = list(StewardAct.objects.filter(organisation=funder).order_by("id").values_list("act", "reason"))
    assert kept == [
        ("account_given", "Universities (3) → Universities (3). Agreed"),
        ("account_changed", "Universities (3) → Universities (5). Agreed"),
        ("account_taken", "Universities (5) → –. Over"),
    ]
    told = Notice.objects.order_by("id")
    assert [(one.user, one.params["outcome"], one.params["shares"]) for one in told] == [
        (lead, "account_given", 3), (lead, "account_changed", 5), (lead, "account_taken", 5)
    ]  # fmt: skip
    assert told[0].url == f"/organisations/{funder.slug}/shares/"


def test_what_is_taken_back_keeps_its_shares_and_can_be_given_again() -> None:
    funder, account = make_funder(), make_account()
    entrust(funder, account)
    taken = take_back(funder, account)
    assert (taken.organisation, taken.shares) == (None, 3)
    with pytest.raises(ShareRefused, match="choose one of those on its page"):
        take_back(funder, account)
    with pytest.raises(ShareRefused, match="choose one of those on its page"):
        change(funder, account, 5)
    assert entrust(make_funder(), account).pk == account.pk


def test_which_accounts_cannot_be_given() -> None:
    funder, lab, account = make_funder(), make_lab(), make_account("Taken")
    entrust(make_funder(name="Agency of Elsewhere"), account)
    own = entrust(funder, make_account("Own"))
    independent = shares.ensure_independent_account(shares=1)
    above = make_account("Above")
    Vertex.objects.filter(pk=independent.pk).update(parent=above, path=[above.pk, independent.pk])
    for vertex, said in (
        (lab.vertex, "is a project: choose an account"), (Vertex.objects.get(parent=None), "the whole tree"),
        (independent, "All personal projects share"), (above, "All personal projects share"),
        (own, "already: its shares can be changed"), (account, "Elsewhere: it has to be taken back"),
    ):  # fmt: skip
        with pytest.raises(ShareRefused, match=said):
            entrust(funder, vertex)


def test_what_a_new_account_needs() -> None:
    funder, lab, above = make_funder(), make_lab(), make_account()
    open_account(funder, above)
    independent = shares.ensure_independent_account(shares=1)
    for parent, name, count, field, said in (
        (above, "Agency", 4, "name", "has “Agency” already"), (above, " ", 4, "name", "name a new one"),
        (above, "a\nb", 4, "name", "on one line"), (above, "x" * 151, 4, "name", "this one 151"),
        (None, "New", 4, "parent", "stands below"), (lab.vertex, "New", 4, "parent", "another account"),
        (independent, "New", 4, "parent", "another account"), (above, "New", None, "shares", "how many"),
        (above, "New", -1, "shares", "from 0 to 1000000; -1 were"),
        (above, "New", 1_000_001, "shares", "1000001 were"),
    ):  # fmt: skip
        with pytest.raises(ShareRefused, match=said) as refused:
            open_account(funder, parent, name, count)
        assert refused.value.field == field
    assert StewardAct.objects.count() == 1


def test_either_an_account_or_a_name() -> None:
    with pytest.raises(ShareRefused, match="not both"):
        entrusting.give_account(
            organisation=make_funder(), account=make_account(), parent=None, name="New", count=1,
            reason="Agreed", by=make_steward(), at=clock.now(),
        )  # fmt: skip


def test_the_same_shares_are_no_change() -> None:
    funder = make_funder()
    account = entrust(funder, make_account())
    with pytest.raises(ShareRefused, match="has these shares already: 3"):
        change(funder, account, 3)
    with pytest.raises(ShareRefused, match="1000001 were asked"):
        change(funder, account, 1_000_001)


def test_only_another_steward_with_a_reason_gives_it_to_a_verified_organisation() -> None:
    funder, account, steward = make_funder(), make_account(), make_steward()
    with pytest.raises(NotAllowed):
        entrust(funder, account, by=lead_of(funder))
    with pytest.raises(StewardActRefused, match="kept with what you do"):
        entrust(funder, account, reason=" ")
    with pytest.raises(ShareRefused, match="301 characters; 300"):
        entrust(funder, account, reason="x" * 301)
    unverified = make_funder()
    Organisation.objects.filter(pk=unverified.pk).update(verified_at=None)
    with pytest.raises(ShareRefused, match="answer its registration first"):
        entrust(unverified, account)
    OrganisationMembership.objects.create(organisation=funder, user=steward, role="member")
    with pytest.raises(StewardActRefused, match="another steward does this"):
        entrust(funder, account, by=steward)
    assert not StewardAct.objects.exists()
    assert not Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_account_given_to_two_organisations_at_once_goes_to_one() -> None:
    account, funders = make_account(), [make_funder(), make_funder()]
    stewards = [make_steward(), make_steward()]
    answers, refused = split(
        at_once(
            *[
                lambda funder=funder, by=by: entrust(funder, account, by=by)
                for funder, by in zip(funders, stewards, strict=True)
            ],
            meeting_at=StewardAct,
        )
    )
    assert (len(answers), [type(one) for one in refused]) == (1, [ShareRefused])
    account.refresh_from_db()
    assert account.organisation == answers[0].organisation
    assert list(StewardAct.objects.values_list("organisation", flat=True)) == [account.organisation_id]
