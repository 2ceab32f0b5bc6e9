"""A project as its members see it: level, room, budget, slots, decisions, members."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import OuterRef, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext, ngettext

from accounts.models import Project, ProjectMembership, User
from accounts.selectors import public_name
from common import formats
from pricing.models import Grant
from reservations.domain.easing import Easing, eased
from reservations.domain.policy import Policy as Rules
from reservations.domain.room import Standing as Shares, level_of, promised_share
from reservations.models import Decision
from reservations.selectors.asked import DecisionRow, decision_rows
from reservations.selectors.budgets import not_over
from reservations.selectors.exceptions import OwnException, of_project, with_exceptions
from reservations.selectors.fairness import decimal
from reservations.selectors.level_path import Beside, Neighbours, PathStep, compared, neighbours, path_of
from reservations.selectors.level_week import History, level_history
from reservations.selectors.levels import Level, said
from reservations.selectors.policies import in_force
from reservations.selectors.project_slots import RoomLeft, Slot, room_left, slots_of
from reservations.selectors.ranking import ranked
from reservations.selectors.standing import numbers_of, position_of

# By whoever holds the slot, of slots that are over: what their project's use is made of.
_USED = """
ARRAY(SELECT json_build_object('id', slot.booked_by_id, 'used', sum(entry.cost_weighted_hours)::text)::text
        FROM reservations_reservation slot
        JOIN reservations_reserveddevice reserved ON reserved.reservation_id = slot.id
        JOIN reservations_usageentry entry USING (hold_uid)
       WHERE slot.project_id = accounts_project.id
       GROUP BY slot.booked_by_id)
"""
_LATEST = 10
_MEMBER = JSONObject(
    id="user_id", name="user__name", email="user__email", role="role", cap=Cast("monthly_cap", TextField())
)
_LAPSES_SOON = timedelta(days=14)  # a lead can still use or move what is left


@dataclass(frozen=True)
class Place:
    """Where the project stands in the order in which requests are served."""

    slug: str
    level: Level
    rank: int
    of: int
    ranked_at: datetime | None  # None: at this moment
    share: Decimal  # promised, whoever is active
    accounts: tuple[str, ...]
    path: tuple[PathStep, ...]
    neighbours: Neighbours
    beside: Beside | None = None  # another project that it is compared with
    asked_beside: str = ""  # what the reader called it


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
class Member:
    name: str
    role: str
    cap: Decimal | None  # device-hours a month
    used: Decimal  # cost-weighted hours
    part: Decimal  # of what the project used; others may have left it since


@dataclass(frozen=True)
class ProjectPage:
    project: Project
    place: Place | None  # None: not in the share tree, so nothing can be booked
    room: RoomLeft | None
    budgets: tuple[Budget, ...]
    budget_left: Decimal
    hours_left: Decimal | None  # device-hours, of the grants that count them; None: none does
    to_come: tuple[Grant, ...]  # given, and not valid yet
    slots: tuple[Slot, ...]
    running: int
    decisions: tuple[DecisionRow, ...]
    members: tuple[Member, ...]
    public_name: str
    history: History | None
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
    rules = numbers_of(project, policy=in_force(at)[1], at=at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    return Standing(
        place=_place(project, position.standing, rules, at) if position else None,
        room=room_left(position.standing, eased(rules, position.exceptions), at) if position else None,
        budgets=tuple(_budgets(not_over(project=project, at=at)[0], at)),
        exceptions=position.exceptions if position else (),
    )


def project_history(*, project: Project, at: datetime) -> History | None:
    """Its level over the last weeks; None without a place in the share tree."""
    _, rules = in_force(at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    if position is None:
        return None
    return level_history(project=project, standing=position.standing, policy=rules, at=at)


def projects_of(user: User) -> QuerySet[Project]:
    """Those that this person belongs to, with their `people` and what each `used`, as the page has them."""
    members = (
        ProjectMembership.objects.filter(project=OuterRef("pk"))
        .order_by("role", "user__name")  # leads first: the two words stand in this order
        # As text, read in one go: hundreds of members are hundreds of calls otherwise.
        .values(json=Cast(_MEMBER, TextField()))
    )
    used = RawSQL(_USED, [], output_field=ArrayField(TextField()))  # noqa: S611  # no text of a reader
    found = Project.objects.of(user).annotate(people=ArraySubquery(members), used=used)
    return with_exceptions(found.select_related("organisation"))


def project_page(*, project: Project, at: datetime, beside: str = "") -> ProjectPage:
    """Everything on a project's page, of one out of `projects_of`. `beside`: whom to compare it with."""
    rules = numbers_of(project, policy=in_force(at)[1], at=at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    valid, to_come = not_over(project=project, at=at)
    budgets = tuple(_budgets(valid, at))
    counted = [budget.hours for budget in budgets if budget.hours]
    numbers = eased(rules, position.exceptions) if position else rules
    slots = tuple(slots_of(project, late=at + numbers.exempt, at=at))
    return ProjectPage(
        project=project,
        place=_place(project, position.standing, rules, at, beside) if position else None,
        room=room_left(position.standing, numbers, at, slots) if position else None,
        budgets=budgets,
        budget_left=sum((budget.left for budget in budgets), Decimal(0)),
        hours_left=sum((hours.left for hours in counted), Decimal(0)) if counted else None,
        to_come=tuple(to_come),
        slots=slots,
        running=sum(slot.tone == "own" for slot in slots),
        decisions=decision_rows(
            Decision.objects.filter(project=project).select_related("taken_on")[:_LATEST]
        ),
        members=tuple(_members(project)),
        public_name=public_name(project, at),
        history=level_history(project=project, standing=position.standing, policy=rules, at=at)
        if position
        else None,
        exceptions=of_project(project, at=at),
    )


def _place(project: Project, standing: Shares, rules: Rules, at: datetime, beside: str = "") -> Place | None:
    shares = ranked(policy=rules, at=at, project=project.pk)
    if shares is None:  # taken out of the tree in this moment
        return None
    around = neighbours(shares, project.pk)
    nearest = next(iter((*around.ahead, *around.behind)), "")
    return Place(
        slug=project.slug,
        level=said(level_of(standing, half_life=rules.half_life, at=at)),
        rank=shares.places[project.pk],
        of=len(shares.places),
        ranked_at=shares.at if shares.at != at else None,
        share=decimal(promised_share(standing.path)),
        accounts=tuple(step.name for step in standing.path[:-1]),
        path=path_of(standing.path, policy=rules, at=at),
        neighbours=around,
        beside=compared(shares, project.pk, beside or nearest),
        asked_beside=beside,
    )


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


def _members(project: Project) -> Iterable[Member]:
    people: list[str] = project.people  # type: ignore[attr-defined]  # annotated above
    roles = {role.value: str(role.label) for role in ProjectMembership.Role}
    used: list[str] = project.used  # type: ignore[attr-defined]  # annotated above
    sums = {one["id"]: Decimal(one["used"]) for one in map(json.loads, used)}
    whole = sum(sums.values(), Decimal(0))
    for person in json.loads(f"[{','.join(people)}]"):
        hours, cap = sums.get(person["id"], Decimal(0)), person["cap"]
        yield Member(
            name=person["name"] or person["email"],
            role=roles[person["role"]],
            cap=None if cap is None else Decimal(cap),
            used=hours,
            part=hours / whole if whole else Decimal(0),
        )
