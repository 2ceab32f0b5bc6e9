"""A project as its members see it: level, room, budget, slots, decisions, members."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Q, QuerySet, TextField, When
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext, ngettext

from accounts.models import Project, ProjectMembership, User
from accounts.selectors import public_name
from common import formats
from common.ranges import bounds
from pricing.models import Grant
from reservations.domain.easing import Easing, eased
from reservations.domain.policy import Policy as Rules
from reservations.domain.room import Room, Standing as Shares, level_of, promised_share, room_of
from reservations.models import Decision, Reservation
from reservations.selectors.asked import DecisionRow, decision_rows
from reservations.selectors.budgets import not_over
from reservations.selectors.exceptions import OwnException, of_project, with_exceptions
from reservations.selectors.fairness import decimal
from reservations.selectors.levels import Level, said
from reservations.selectors.policies import in_force
from reservations.selectors.ranking import ranking
from reservations.selectors.standing import position_of

_LATEST = 10
_SLOTS = 20
_LAPSES_SOON = timedelta(days=14)  # a lead can still use or move what is left


@dataclass(frozen=True)
class Place:
    """Where the project stands in the order in which requests are served."""

    level: Level
    rank: int
    of: int
    ranked_at: datetime | None  # None: at this moment
    share: Decimal  # promised, whoever is active
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class RoomLeft:
    limit: Decimal
    held: Decimal
    left: Decimal
    note: str


@dataclass(frozen=True)
class Budget:
    name: str
    funder: str
    amount: Decimal
    taken: Decimal  # spent and booked
    left: Decimal
    note: str
    purpose: str
    lapses: str  # a warning; empty where nothing lapses soon
    hours: HoursLeft | None = None  # of a grant that counts device-hours


@dataclass(frozen=True)
class HoursLeft:
    """Device-hours of a grant: as its money, spent and booked against what was given."""

    given: Decimal
    taken: Decimal
    left: Decimal
    note: str


@dataclass(frozen=True)
class Slot:
    url: str
    title: str
    start: datetime
    end: datetime
    state: str
    tone: str
    price: Decimal


@dataclass(frozen=True)
class Member:
    name: str
    role: str


@dataclass(frozen=True)
class ProjectPage:
    project: Project
    place: Place | None  # None: not in the share tree, so nothing can be booked
    room: RoomLeft | None
    budgets: tuple[Budget, ...]
    budget_left: Decimal
    to_come: tuple[Grant, ...]  # given, and not valid yet
    slots: tuple[Slot, ...]
    running: int
    decisions: tuple[DecisionRow, ...]
    members: tuple[Member, ...]
    public_name: str
    half_life_days: int
    exceptions: tuple[OwnException, ...]  # to the policy, in force or to come


@dataclass(frozen=True)
class Standing:
    """What a project may still use."""

    place: Place | None  # None: not in the share tree, so nothing can be booked
    room: RoomLeft | None
    budgets: tuple[Budget, ...]
    exceptions: tuple[Easing, ...]  # to the policy, in force

    @property
    def budget_left(self) -> Decimal:
        return sum((budget.left for budget in self.budgets), Decimal(0))


def project_standing(*, project: Project, at: datetime) -> Standing:
    """Its place, room and budget, without the rest of its page. Four queries."""
    _, rules = in_force(at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    return Standing(
        place=_place(project, position.standing, rules, at) if position else None,
        room=_room(position.standing, eased(rules, position.exceptions), at) if position else None,
        budgets=tuple(_budgets(not_over(project=project, at=at)[0], at)),
        exceptions=position.exceptions if position else (),
    )


def projects_of(user: User) -> QuerySet[Project]:
    """Those that this person belongs to, with their `people` as the page lists them."""
    members = (
        ProjectMembership.objects.filter(project=OuterRef("pk"))
        .order_by("role", "user__name")  # leads first: the two words stand in this order
        # As text, read in one go: hundreds of members are hundreds of calls otherwise.
        .values(json=Cast(JSONObject(name="user__name", email="user__email", role="role"), TextField()))
    )
    found = Project.objects.of(user).annotate(people=ArraySubquery(members))
    return with_exceptions(found.select_related("organisation"))


def project_page(*, project: Project, at: datetime) -> ProjectPage:
    """Everything on a project's page, of one out of `projects_of`."""
    _, rules = in_force(at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    valid, to_come = not_over(project=project, at=at)
    budgets = tuple(_budgets(valid, at))
    slots = tuple(_slots(project, at))
    return ProjectPage(
        project=project,
        place=_place(project, position.standing, rules, at) if position else None,
        room=_room(position.standing, eased(rules, position.exceptions), at) if position else None,
        budgets=budgets,
        budget_left=sum((budget.left for budget in budgets), Decimal(0)),
        to_come=tuple(to_come),
        slots=slots,
        running=sum(slot.tone == "own" for slot in slots),
        decisions=decision_rows(
            Decision.objects.filter(project=project).select_related("taken_on")[:_LATEST]
        ),
        members=tuple(_members(project)),
        public_name=public_name(project, at),
        half_life_days=rules.half_life_hours // 24,
        exceptions=of_project(project, at=at),
    )


def _place(project: Project, standing: Shares, rules: Rules, at: datetime) -> Place:
    ranks = ranking(policy=rules, at=at, project=project.pk)
    return Place(
        level=said(level_of(standing, half_life=rules.half_life, at=at)),
        rank=ranks.places[project.pk],
        of=len(ranks.places),
        ranked_at=ranks.at if ranks.at != at else None,
        share=decimal(promised_share(standing.path)),
        accounts=tuple(step.name for step in standing.path[:-1]),
    )


def _room(standing: Shares, rules: Rules, at: datetime) -> RoomLeft:
    # Without a wanted node there is no minimum: a booking may find more room than this, never less.
    room = room_of(standing, minimum=Fraction(0), policy=rules, at=at)
    held = decimal(standing.held)
    return RoomLeft(
        limit=room.limit,
        held=held,
        left=max(Decimal(0), room.limit - held),
        note=_room_note(standing, room, rules),
    )


def _room_note(standing: Shares, room: Room, rules: Rules) -> str:
    return gettext(
        "Limit = share %(share)s × %(capacity)s bookable × %(factor)s for what you used lately;"
        " at least one whole node for %(hours)d hours. Hours within %(exempt)d hours from now need no room."
    ) % {
        "share": formats.percent(float(room.share)),
        "capacity": formats.number(standing.capacity, 0),
        "factor": formats.number(float(room.factor), 2),
        "hours": rules.least_node_hours,
        "exempt": rules.exempt_hours,
    }


def _budgets(grants: Iterable[Grant], at: datetime) -> Iterator[Budget]:
    for grant in grants:
        ends = grant.valid.upper
        notes = gettext("Spent %(used)s, booked %(booked)s.") % {
            "used": formats.number(grant.used, 2),
            "booked": formats.number(grant.encumbered, 2),
        }
        expiry = gettext("Expires %s.") % formats.long_day(ends) if ends else ""
        yield Budget(
            name=grant.name,
            funder=grant.funder.name,
            amount=grant.amount,
            taken=grant.used + grant.encumbered,
            left=grant.left,
            note=" ".join(filter(None, (notes, expiry, _purpose(grant)))),
            purpose=grant.purpose,
            lapses=_lapsing(grant.left, ends, at),
            hours=_hours(grant),
        )


def _purpose(grant: Grant) -> str:
    return gettext("Purpose: %s.") % grant.purpose.rstrip(".") if grant.purpose else ""


def _hours(grant: Grant) -> HoursLeft | None:
    if grant.hours is None or grant.hours_left is None:
        return None
    return HoursLeft(
        given=grant.hours,
        taken=grant.hours - grant.hours_left,
        left=grant.hours_left,
        note=gettext("Used %(used)s, booked %(booked)s. A slot needs both, device-hours and EUR.") % {
            "used": formats.number(grant.hours_used, 2),
            "booked": formats.number(grant.hours_encumbered, 2),
        },
    )  # fmt: skip


def _lapsing(left: Decimal, ends: datetime | None, at: datetime) -> str:
    if ends is None or ends - at > _LAPSES_SOON or left <= 0:
        return ""
    days = (ends - at).days
    return ngettext("%(money)s lapses in %(days)d day.", "%(money)s lapses in %(days)d days.", days) % {
        "money": formats.money(left),
        "days": days,
    }


def _slots(project: Project, at: datetime) -> Iterator[Slot]:
    """What is booked and not over, soonest first, then what was, latest first."""
    is_open = Q(state=Reservation.State.BOOKED, during__endswith__gt=at)
    rows = Reservation.objects.filter(project=project).select_related("decision")
    # Over slots have no `due`, and NULLs come last.
    due = Case(When(is_open, then=F("during__startswith")))
    order = list(rows.annotate(due=due).order_by("due", "-during__startswith")[:_SLOTS])
    titles = {row.pk: row.title for row in decision_rows(one.decision for one in order)}
    for reservation in order:
        start, end = bounds(reservation.during)
        state, tone = _slot_state(reservation, start, end, at)
        yield Slot(
            url=reservation.get_absolute_url(),
            title=titles[reservation.decision_id],
            start=start,
            end=end,
            state=state,
            tone=tone,
            price=reservation.quoted_price,
        )


def _slot_state(reservation: Reservation, start: datetime, end: datetime, at: datetime) -> tuple[str, str]:
    if reservation.state == Reservation.State.CANCELLED:
        return gettext("Cancelled"), ""
    if at >= end or reservation.state == Reservation.State.ENDED:
        return gettext("Over"), ""
    return (gettext("Now"), "own") if at >= start else (gettext("Booked"), "good")


def _members(project: Project) -> Iterable[Member]:
    people: list[str] = project.people  # type: ignore[attr-defined]  # annotated above
    roles = {role.value: str(role.label) for role in ProjectMembership.Role}
    for person in json.loads(f"[{','.join(people)}]"):
        yield Member(person["name"] or person["email"], roles[person["role"]])
