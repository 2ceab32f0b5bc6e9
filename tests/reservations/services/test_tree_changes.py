"""What the database keeps of the share tree, and bookings in the moment in which it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from accounts.models import StewardAct
from common import clock
from reservations.models import Decision, Reservation, Vertex
from reservations.services import moving, shares
from tests import factories
from tests.races import at_once, one_after_the_other, split
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def make_account(name: str, parent: Vertex | None = None, shares_: int | None = 1) -> Vertex:
    root = Vertex.objects.filter(parent=None).first() or shares.create_root(name="All")
    return shares.create_account(parent=parent or root, name=name, shares=shares_)


def put(vertex: Vertex, below: Vertex) -> None:
    Vertex.objects.filter(pk=vertex.pk).update(parent=below)


def path_of(vertex: Vertex) -> list[int]:
    return Vertex.objects.get(pk=vertex.pk).path


def test_paths_follow_when_an_account_is_put_elsewhere_with_all_below_it() -> None:
    north, south = make_account("North"), make_account("South")
    city = make_account("City", north)
    leaf = shares.create_project_vertex(parent=city, project=factories.make_project(), shares=1)
    assert leaf.path == [north.pk, city.pk, leaf.pk]
    put(city, south)
    assert path_of(leaf) == [south.pk, city.pk, leaf.pk]
    Vertex.objects.filter(pk=leaf.pk).update(path=[7])  # nobody can write another
    assert path_of(leaf) == [south.pk, city.pk, leaf.pk]


def test_nothing_stands_below_itself_below_a_project_or_above_the_root() -> None:
    north = make_account("North")
    city = make_account("City", make_account("County", north))
    root = Vertex.objects.get(parent=None)
    leaf = shares.create_project_vertex(parent=city, project=factories.make_project(), shares=1)
    for vertex, below, said in (
        (north, north, "share_tree_has_no_cycle"), (north, city, "share_tree_has_no_cycle"),
        (root, north, "share_tree_has_no_cycle"),
        (make_account("South"), leaf, "projects_of_the_share_tree_are_leaves"),
    ):  # fmt: skip
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            put(vertex, below)
        assert refusal.value.__cause__.diag.constraint_name == said  # type: ignore[union-attr]
    with pytest.raises(IntegrityError), transaction.atomic():
        Vertex.objects.filter(pk=north.pk).update(shares=-1)


@pytest.mark.django_db(transaction=True)
def test_two_accounts_put_below_each_other_at_once_make_no_cycle() -> None:
    """Without the lock on the row above, both go through and everybody below is lost."""
    north, south = make_account("North"), make_account("South")
    cities = make_account("City", north), make_account("City", south)
    answers, refused = split(
        at_once(
            lambda: put(north, cities[1]), lambda: put(south, cities[0]),
        )
    )  # fmt: skip
    assert (len(answers), len(refused)) == (1, 1)
    assert isinstance(refused[0], IntegrityError | OperationalError)  # told of the cycle, or of the deadlock
    for city in cities:
        assert path_of(city)[-1] == city.pk
        assert len(path_of(city)) == len(set(path_of(city)))


# --- a tree change during a booking ---
class Moved:
    """A lab that a steward moves, alone or while it books."""

    def __init__(self) -> None:
        self.node, self.lab, self.steward = make_open_node(), make_lab(), factories.make_user(is_steward=True)
        make_lab()  # a sibling, so that shares count
        self.account = make_account("Universities", shares_=3)

    def move(self) -> tuple[Vertex, bool]:
        """Where it stands then, and whether its booking was there before."""
        moved = moving.move(
            project=self.lab.project, account=self.account, shares_among_siblings=2, reason="Joined",
            by=self.steward, at=clock.now(),
        )  # fmt: skip
        return moved, Reservation.objects.exists()

    def book(self) -> Reservation:
        return self.lab.book([self.node.devices.all()[0]], in_days(2))


def steps_of(reservation: Reservation) -> list[tuple[str, int | None, int]]:
    snapshot: Any = Decision.objects.get(reservation=reservation).snapshot
    return [(step["name"], step["shares"], step["of_all"]) for step in snapshot["standing"]["path"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("booking_first", [True, False])
def test_a_booking_is_decided_before_the_project_is_moved_or_after_it(booking_first: bool) -> None:
    """The one who comes second waits for the leaf's row; each decision has one place, whole."""
    world = Moved()
    name = world.lab.vertex.name
    calls: list[Callable[[], Any]] = [world.book, world.move]
    if booking_first:
        booked, moved = one_after_the_other(*calls, held_up_at=Reservation)
        assert steps_of(booked) == [(name, 1, 5)]
    else:
        moved, booked = one_after_the_other(*reversed(calls), held_up_at=StewardAct)
        assert steps_of(booked) == [("Universities", 3, 4), (name, 2, 2)]
    assert moved[0].path == [world.account.pk, world.lab.vertex.pk]
    assert moved[1] == booking_first


@pytest.mark.django_db(transaction=True)
def test_two_shares_that_change_together_are_seen_both_or_neither() -> None:
    """A booking reads the tree in one statement, so a change above it needs no lock of its own."""
    node, lab = make_open_node(), make_lab()
    north, south = make_account("North", shares_=1), make_account("South", shares_=9)
    put(lab.vertex, north)

    def swap() -> None:
        with transaction.atomic():
            shares.set_shares(vertex=north, shares=9)
            factories.make_user()  # waits here, with one of two changed
            shares.set_shares(vertex=south, shares=1)

    def book(days: float) -> Reservation:
        return lab.book([node.devices.all()[0]], in_days(days))

    _, booked = one_after_the_other(swap, lambda: book(2), held_up_at=type(lab.member))
    assert steps_of(booked)[0] == ("North", 1, 10)
    assert steps_of(book(4))[0] == ("North", 9, 10)
