"""An account of the share tree is put below another: what it means, who may, what is public, at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import Notice, User
from common import clock
from common.access import NotAllowed
from ledger.models import Entry
from reservations.errors import ShareRefused
from reservations.models import AccountMove, Decision, Reservation, Vertex
from reservations.selectors.share_accounts import account_page, move_asked, tree_page
from reservations.services import moving_accounts, shares
from tests import factories
from tests.live import eventually
from tests.races import one_after_the_other, waiting
from tests.reservations.services.test_entrusting import entrust, lead_of, make_funder
from tests.reservations.services.test_moving import make_account, make_steward
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def inside(name: str, above: Vertex, count: int = 1) -> Vertex:
    return shares.create_account(parent=above, name=name, shares=count)


def move(
    account: Vertex, below: Vertex, count: int = 3, *, by: User | None = None, reason: str = "Joined."
) -> Vertex:
    return moving_accounts.move_account(
        account=account, below=below, count=count, reason=reason, by=by or make_steward(), at=clock.now()
    )


def place(lab: Lab, below: Vertex) -> None:
    Vertex.objects.filter(pk=lab.vertex.pk).update(parent=below)


def entered() -> list[dict[str, Any]]:
    return [entry.fact["body"] for entry in Entry.objects.filter(kind="account_moved").order_by("pk")]


def test_an_account_moves_with_all_below_it_and_the_ledger_says_from_where_to_where() -> None:
    north, south = make_account("North", 3), make_account("South", 1)
    city, lab = inside("City", south, 2), make_lab()
    inside("Town", north, 3)
    place(lab, city)
    asked = move_asked(account=city, below=north.pk, shares=1)
    assert (asked.now, asked.then) == (1 / 4, 3 / 4 * 1 / 4)
    assert [(one.name, one.now, one.then) for one in asked.others] == [("North / Town", 3 / 4, 9 / 16)]
    moved = move(city, north, 1)
    assert moved.path == [north.pk, city.pk]
    lab.vertex.refresh_from_db()
    assert lab.vertex.path == [north.pk, city.pk, lab.vertex.pk]
    assert account_page(account=moved, reader=make_steward()).row.of_all == asked.then
    (body,) = entered()
    assert body == {
        "account": city.pk, "name": "City", "from_below": south.pk, "from_below_name": "South",
        "below": north.pk, "below_name": "North", "shares_before": 2, "shares": 1,
        "part_before": "0.250000", "part": "0.187500", "reason": "Joined.",
    }  # fmt: skip
    move(city, north, 3)  # where it stands, with other shares
    assert [(one["from_below"], one["below"], one["part"]) for one in entered()] == [
        (south.pk, north.pk, "0.187500"), (north.pk, north.pk, "0.375000"),
    ]  # fmt: skip
    page = tree_page()
    assert page is not None
    assert [(row.depth, row.name) for row in page.accounts] == [
        (0, "All"), (1, "North"), (2, "City"), (2, "Town"), (1, "South"),
    ]  # fmt: skip
    assert [one.shares_before for one in page.moves] == [1, 2]
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        AccountMove.objects.update(shares=9)


def test_what_cannot_be_a_place_is_refused_with_what_could_be() -> None:
    north = make_account("North", 3)
    root, city, lab = Vertex.objects.get(parent=None), inside("City", north), make_lab()
    everybody = shares.ensure_independent_account(shares=1)
    twin = inside("City", root)
    for account, below, count, said in (
        (root, north, 1, "is the whole tree"), (lab.vertex, north, 1, "is a project"),
        (everybody, north, 1, "All personal projects share"), (north, north, 1, "itself or below it"),
        (north, city, 1, "itself or below it"), (north, lab.vertex, 1, "has no accounts below it"),
        (north, everybody, 1, "has no accounts below it"), (north, root, 3, "with 3 shares already"),
        (twin, north, 1, "North has “City” already"), (north, root, -1, "-1 were asked for"),
        (north, root, 1_000_001, "from 0 to 1000000"),
    ):  # fmt: skip
        with pytest.raises(ShareRefused, match=said):
            move(account, below, count)
    with pytest.raises(ShareRefused, match="leave out e-mail addresses"):
        move(city, root, 2, reason="Asked by ada@example.org.")
    assert not AccountMove.objects.exists()
    assert entered() == []


def test_only_stewards_who_belong_to_nothing_inside_it_move_an_account() -> None:
    north, south, funder, lab = make_account("North"), make_account("South"), make_funder(), make_lab()
    city = inside("City", north)
    entrust(funder, city)
    place(lab, city)
    for by in (lab.member, lead_of(funder)):
        with pytest.raises(NotAllowed, match="Only stewards move"):
            move(north, south, by=by)
        by.is_steward = True
        by.save(update_fields=["is_steward"])
        with pytest.raises(NotAllowed, match="You belong to North"):
            move(north, south, by=by)
        assert account_page(account=north, reader=by).is_own
    Notice.objects.all().delete()
    move(north, south)
    told = Notice.objects.get()
    assert (told.user, told.kind, told.params["outcome"]) == (
        lead_of(funder),
        "account_given",
        "account_moved",
    )


def test_a_tree_of_thousands_is_shown_by_its_first_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reservations.selectors.share_accounts.MOST_ACCOUNTS", 2)
    monkeypatch.setattr("reservations.selectors.share_accounts.MOST_PROJECTS", 1)
    north = make_account("North")
    inside("City", north)
    for _ in range(2):
        place(make_lab(), north)
    page = tree_page()
    assert page is not None
    assert (page.is_whole, [row.name for row in page.accounts]) == (False, ["All", "North"])
    shown = account_page(account=north, reader=make_steward())
    assert (len(shown.projects), shown.more_projects, [one.name for one in shown.children]) == (
        1,
        1,
        ["City"],
    )


# --- at once ---
@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_put_below_each_other_at_once_the_second_is_told_of_the_first() -> None:
    """Each locks what moves and where it goes: the second finds the first done, and no cycle to make."""
    north, south = make_account("North"), make_account("South")
    cities = inside("City", north), inside("City", south)
    first, second = make_steward(), make_steward()
    moved, refused = one_after_the_other(
        lambda: move(north, cities[1], by=first), lambda: move(south, cities[0], by=second),
        held_up_at=AccountMove,
    )  # fmt: skip
    assert moved.path == [south.pk, cities[1].pk, north.pk]
    assert isinstance(refused, ShareRefused), refused
    assert "itself or below it" in refused.message


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("booking_first", [True, False])
def test_a_booking_is_decided_before_the_account_above_moves_or_after_it(booking_first: bool) -> None:
    """Whoever comes second waits for the project's own row, which moves along."""
    node, lab = make_open_node(), make_lab()
    north, city = make_account("North", 3), make_account("City", 1)
    place(lab, city)
    steward = make_steward()

    def book() -> Reservation:
        return lab.book([node.devices.all()[0]], in_days(2))

    calls: list[Callable[[], Any]] = [book, lambda: move(city, north, 1, by=steward)]
    if booking_first:
        booked, moved = one_after_the_other(*calls, held_up_at=Reservation)
    else:
        moved, booked = one_after_the_other(*reversed(calls), held_up_at=AccountMove)
    path = Decision.objects.get(reservation=booked).snapshot["standing"]["path"]
    names = [step["name"] for step in path]
    assert names == (["City"] if booking_first else ["North", "City"]) + [lab.vertex.name]
    assert moved.path == [north.pk, city.pk]


def meanwhile(call: Callable[[], Any]) -> Callable[[], Any]:
    def answer() -> Any:
        try:
            return call()
        finally:
            connection.close()

    return answer


def is_free(vertex: Vertex) -> bool:
    """Nobody has locked its row; or else the transaction that asks is over."""
    return Vertex.objects.select_for_update(no_key=True, nowait=True).filter(pk=vertex.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_moves_an_account_waits_for_its_projects_before_locking_any_account() -> None:
    """Who moves a project locks it, then the account: the other way round both would wait for each other."""
    north, city, lab, steward = make_account("North"), make_account("City"), make_lab(), make_steward()
    place(lab, city)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert is_free(lab.vertex)  # and is ours from here on
        moved = pool.submit(meanwhile(lambda: move(city, north, by=steward)))
        eventually(lambda: waiting() == 1, "the move waits for the project")
        assert is_free(city)
    assert moved.result().path == [north.pk, city.pk]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_move_accounts_the_second_locks_nothing_before_the_first_is_done() -> None:
    """It would lock what was below its account before, not what the first has put there."""
    north, south, west = make_account("North"), make_account("South"), make_account("West")
    inner, lab, first, second = inside("Inner", west), make_lab(), make_steward(), make_steward()
    place(lab, west)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        move(south, inner, by=first)
        moved = pool.submit(meanwhile(lambda: move(west, north, by=second)))
        eventually(lambda: waiting() == 1, "the second waits for the first")
        assert is_free(lab.vertex)
    assert moved.result().path == [north.pk, west.pk]
    assert Vertex.objects.get(pk=south.pk).path == [north.pk, west.pk, inner.pk, south.pk]


def test_two_organisations_inside_are_each_told_once() -> None:
    north, south = make_account("North"), make_account("South")
    first, second = make_funder(), make_funder()
    entrust(first, north)
    for name in ("City", "Town"):
        entrust(second, inside(name, north))
    factories.make_organisation("funder", lead=factories.make_user())
    Notice.objects.all().delete()
    move(north, south)
    assert {one.user for one in Notice.objects.all()} == {lead_of(first), lead_of(second)}
    assert Notice.objects.count() == 2
