"""A priced node, a policy and projects with their place, grant and member: enough to book in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Project, ProjectMembership, User
from common import clock
from nodes.models import Device, Node
from reservations.domain import slots
from reservations.domain.policy import standard
from reservations.models import Policy, Reservation, Vertex
from reservations.services import booking
from tests import factories


@dataclass(frozen=True)
class Lab:
    """A project with one member, who books, until others join."""

    project: Project
    member: User
    vertex: Vertex

    def join(self, role: str = "member") -> User:
        """Somebody else in the project."""
        user = factories.make_user()
        ProjectMembership.objects.create(project=self.project, user=user, role=role)
        return user

    def book(
        self, devices: list[Device], start: datetime | None, hours: float = 2, **fields: Any
    ) -> Reservation:
        at = fields.pop("at", None) or clock.now()
        end = fields.pop("end", None) or (start or slots.mark_after(at)) + timedelta(hours=hours)
        return booking.book(
            project=self.project, devices=[device.uid for device in devices], start=start, end=end,
            asked_by=fields.pop("asked_by", self.member), at=at, **fields,
        )  # fmt: skip


def make_lab(*, budget: str = "1000", shares: int = 1, **fields: Any) -> Lab:
    member = factories.make_user()
    project = factories.make_project(member, **fields)
    factories.make_grant(project, budget)
    return Lab(project, member, factories.make_vertex(project, shares=shares))


def make_rules(**changes: Any) -> Policy:
    """The standard policy in force, with every rule, but for these numbers."""
    return factories.make_policy(**vars(replace(standard(), **changes)))


def make_open_node(devices: int = 4, **fields: Any) -> Node:
    """A listed node with published cost and price, under the default policy."""
    factories.make_policy()
    node = factories.make_node(devices=devices, **fields)
    factories.publish_prices(node)
    return node


_counted_from: list[datetime] = []


def forget_the_moment() -> None:
    """Before each test (tests/conftest.py): the next one counts its days anew."""
    _counted_from.clear()


def in_days(days: float) -> datetime:
    """A mark that many days from now: in one test the same each time, though a mark goes by meanwhile."""
    if not _counted_from:
        _counted_from.append(clock.now())
    return slots.mark_after(_counted_from[0] + timedelta(days=days))
