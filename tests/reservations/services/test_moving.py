"""A project gets another account or other shares: what goes with it, what stays, who is told."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.errors import StewardActRefused
from accounts.models import Notice, ProjectMembership, StewardAct, User
from common import clock
from common.access import NotAllowed
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.selectors.stewarding import place_asked
from reservations.services import moving, shares
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def make_steward() -> User:
    return factories.make_user(is_steward=True)


def make_account(name: str = "Universities", shares_: int | None = 3) -> Vertex:
    root = Vertex.objects.filter(parent=None).first() or shares.create_root(name="All")
    return shares.create_account(parent=root, name=name, shares=shares_)


def move(lab: Lab, account: Vertex, count: int = 2, by: User | None = None, reason: str = "Joined") -> Vertex:
    return moving.move(
        project=lab.project, account=account, shares_among_siblings=count, reason=reason,
        by=by or make_steward(), at=clock.now(),
    )  # fmt: skip


def test_usage_and_bookings_go_with_it_and_slots_stay() -> None:
    lab, node, account = make_lab(), make_open_node(), make_account()
    slot = lab.book([node.devices.first()], in_days(2))
    Vertex.objects.filter(pk=lab.vertex.pk).update(decayed_usage=Decimal("7.5"))
    before = Vertex.objects.get(pk=lab.vertex.pk)
    after = move(lab, account)
    assert (after.pk, after.parent, after.path, after.shares) == (
        before.pk, account, [account.pk, before.pk], 2
    )  # fmt: skip
    assert (after.decayed_usage, after.committed) == (Decimal("7.5"), before.committed)
    assert after.committed > 0
    slot.refresh_from_db()
    assert slot.state == "booked"


def test_decisions_of_before_replay_and_the_next_one_reads_the_new_place() -> None:
    lab, node, account = make_lab(), make_open_node(), make_account()
    make_lab()  # a sibling, so that shares count
    first = lab.book([node.devices.all()[0]], in_days(2)).decision
    move(lab, account)
    second = lab.book([node.devices.all()[1]], in_days(3)).decision
    assert "Universities" not in str(first.snapshot)
    assert "Universities" in str(second.snapshot)
    out = StringIO()
    call_command("replay_decisions", stdout=out)
    assert "every one comes out the same" in out.getvalue()


def test_the_act_is_kept_and_the_leads_are_told() -> None:
    lab, account, steward = make_lab(), make_account(), make_steward()
    lead = lab.join("lead")
    move(lab, account, by=steward)
    act = StewardAct.objects.get()
    assert (act.act, act.project, act.steward) == ("moved", lab.project, steward)
    assert act.reason == "All (1) → Universities (2). Joined"
    told = Notice.objects.get()
    assert (told.user, told.kind, told.params["account"]) == (lead, "project_moved", "Universities")


def test_shares_alone_can_be_changed() -> None:
    lab, account = make_lab(), make_account()
    move(lab, account, 2)
    assert move(lab, account, 5).shares == 5
    with pytest.raises(ShareRefused, match="with 5 shares already"):
        move(lab, account, 5)
    with pytest.raises(ShareRefused, match="from 0 to 1000000; 1000001 were asked"):
        move(lab, account, 1_000_001)


def test_where_a_project_cannot_stand() -> None:
    lab, other = make_lab(), make_lab()
    independent = shares.ensure_independent_account(shares=1)
    root = Vertex.objects.get(parent=None)
    Vertex.objects.filter(pk=lab.vertex.pk).update(parent=make_account("Elsewhere"))
    for account, said in ((other.vertex, "below an account"), (root, "below an account"),
                          (independent, "Personal projects alone")):  # fmt: skip
        with pytest.raises(ShareRefused, match=said):
            move(lab, account)
    assert not StewardAct.objects.exists()


def test_a_personal_project_stays() -> None:
    person = factories.make_user()
    lab = make_lab(personal_to=person)
    with pytest.raises(ShareRefused, match="personal project stays"):
        move(lab, make_account())


def test_only_another_steward_with_a_reason_moves_it() -> None:
    lab, account, steward = make_lab(), make_account(), make_steward()
    with pytest.raises(NotAllowed):
        move(lab, account, by=lab.join("lead"))
    with pytest.raises(StewardActRefused, match="Write why"):
        move(lab, account, reason=" ")
    with pytest.raises(ShareRefused, match="301 characters; 300"):
        move(lab, account, reason="x" * 301)
    ProjectMembership.objects.create(project=lab.project, user=steward, role="member")
    with pytest.raises(StewardActRefused, match="another steward"):
        move(lab, account, by=steward)
    lab.vertex.refresh_from_db()
    assert lab.vertex.parent != account


def test_two_of_one_name_come_into_an_account() -> None:
    account = make_account()
    first, second = make_lab(name="Atlas"), make_lab()
    move(first, account)
    second.project.name = "Atlas"
    second.project.save()
    assert move(second, account).name == f"Atlas ({second.project.slug})"


def test_what_a_place_would_mean_is_told_before() -> None:
    """Two of five shares below an account that has three of five."""
    lab, account = make_lab(shares=1), make_account(shares_=3)
    make_lab(shares=1)
    move(make_lab(shares=1), account, 3)
    asked = place_asked(project=lab.project, account_pk=account.pk, shares=2)
    assert (asked.now, asked.then) == pytest.approx((1 / 5, 3 / 4 * 2 / 5))
    assert Vertex.objects.get(pk=lab.vertex.pk).parent != account


@pytest.mark.django_db(transaction=True)
def test_of_two_stewards_at_once_both_are_kept_one_after_the_other() -> None:
    lab, stewards = make_lab(), [make_steward(), make_steward()]
    accounts = [make_account("North"), make_account("South")]
    answers, refused = split(
        at_once(*[
            lambda account=account, by=by: move(lab, account, by=by)
            for account, by in zip(accounts, stewards, strict=True)
        ])
    )  # fmt: skip
    assert (len(answers), refused) == (2, [])
    first, second = StewardAct.objects.order_by("id").values_list("reason", flat=True)
    there = first.split(" → ")[1].split(" (")[0]
    assert second.startswith(f"{there} (2) → ")  # the second began where the first had put it
    lab.vertex.refresh_from_db()
    assert lab.vertex.path == [lab.vertex.parent_id, lab.vertex.pk]


@pytest.mark.django_db(transaction=True)
def test_projects_of_one_name_that_come_at_once_get_names_of_their_own() -> None:
    account, steward = make_account(), make_steward()
    labs = [make_lab() for _ in range(4)]
    for lab in labs:
        lab.project.name = "Atlas"
        lab.project.save()
    answers, refused = split(at_once(*[lambda lab=lab: move(lab, account, by=steward) for lab in labs]))
    assert (len(answers), refused) == (4, [])
    assert Vertex.objects.filter(parent=account).values("name").distinct().count() == 4
