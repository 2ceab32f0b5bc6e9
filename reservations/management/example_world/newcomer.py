"""Mila, who signed up by herself: the money that everybody's allowance is paid from, and what she made of hers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from accounts.domain import house_rules
from accounts.models import Organisation, Project, User
from nodes import selectors as nodes
from nodes.models import Node
from pricing.domain.funding import first_of_month, month_bounds
from pricing.models import FundingLine
from pricing.services import lines
from reservations.domain.slots import mark_after
from reservations.errors import Refused
from reservations.management.example_world import people
from reservations.management.example_world.steps import Step
from reservations.services import booking, onboarding

FUNDER, LINE = "open-science-fund", "Universal allowance"
HOURS, MOST = Decimal(20), Decimal(40)  # a month for each: device-hours, and EUR for them
WHOLE = Decimal(60_000)
MACHINES = ("lyon-l4", "girona-a40", "vasteras-rtx6000")  # what an allowance goes furthest on
HOUR = timedelta(hours=1)


def set_aside(organisations: Mapping[str, Organisation], *, by: Mapping[str, User], at: datetime) -> None:
    """The line of a named funder that pays the allowance; one is enough."""
    if FundingLine.objects.filter(allowance_hours__isnull=False, closed_at=None).exists():
        return
    start, _end = month_bounds(first_of_month(at))
    lines.create_line(
        funder=organisations[FUNDER], name=LINE,
        purpose="20 device-hours a month for everybody who signs up, and for student and citizen projects",
        valid_from=start, valid_until=start + timedelta(days=3 * 365), amount=WHOLE, by=by["fatou"], at=at,
        allowance_hours=HOURS, allowance_amount=MOST,
    )  # fmt: skip


def sign_up(users: Mapping[str, User], *, at: datetime) -> Project:
    project = onboarding.welcome(
        user=users[people.NEWCOMER], name="Mila Example", project_name="Night sky",
        rules_version=house_rules.CURRENT.number, at=at,
    )  # fmt: skip
    # Opened when she signed up, not when this world was made: /fairness/ counts from then to her first slot.
    Project.objects.filter(pk=project.pk).update(created_at=at)
    return project


def steps(users: Mapping[str, User], machines: Mapping[str, Node], now: datetime) -> Iterator[Step]:
    """Three hours used, in this month where it is old enough, and two booked for tomorrow."""
    mila = users[people.NEWCOMER]
    begins, _end = month_bounds(first_of_month(now))
    used = mark_after(max(now - timedelta(days=5), begins + HOUR))
    yield Step(used - 2 * HOUR, 1, partial(_signing_up, users))
    if used + 3 * HOUR < now:
        yield Step(used - HOUR, 2, _booking(mila, machines, used, used + 3 * HOUR))
    tomorrow = mark_after(now + 26 * HOUR)
    yield Step(now - HOUR / 2, 2, _booking(mila, machines, tomorrow, tomorrow + 2 * HOUR))


def _signing_up(users: Mapping[str, User], at: datetime) -> None:
    sign_up(users, at=at)


def _booking(
    mila: User, machines: Mapping[str, Node], start: datetime, end: datetime
) -> Callable[[datetime], None]:
    def book(at: datetime) -> None:
        project = Project.objects.get(personal_to=mila)
        for slug in MACHINES:
            devices = {device.pk: device for device in machines[slug].devices.order_by("index")}
            held = nodes.conflicts(device_ids=devices, start=start, end=end)
            free = [device for pk, device in devices.items() if pk not in {hold.device_id for hold in held}]
            if not free:
                continue
            try:
                booking.book(
                    project=project, devices=[free[0].uid], start=start, end=end, asked_by=mila, at=at
                )
            except Refused:
                continue  # the refusal is stored, for Mila to read
            return

    return book
