"""A project as its members see it: level, room, budget, slots, decisions, members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext, ngettext

from accounts.models import Project
from accounts.selectors import public_name
from common import formats
from pricing.models import Grant
from reservations.domain.easing import Easing, eased
from reservations.domain.policy import Policy as Rules
from reservations.domain.room import Standing as Shares, level_of, promised_share
from reservations.models import Decision
from reservations.selectors.asked import DecisionRow, decision_rows
from reservations.selectors.budgets import not_over
from reservations.selectors.exceptions import OwnException, of_project
from reservations.selectors.fairness import decimal
from reservations.selectors.level_path import Beside, Neighbours, PathStep, compared, neighbours, path_of
from reservations.selectors.level_week import History, level_history
from reservations.selectors.levels import Level, said
from reservations.selectors.policies import in_force
from reservations.selectors.project_members import Member, members_of
from reservations.selectors.project_slots import SLOTS, RoomLeft, Slot, room_left, slots_of
from reservations.selectors.ranking import ranked
from reservations.selectors.standing import numbers_of, position_of

_LATEST = 10
_LAST_PART = 500  # of a list: what is shown of it by parts ends somewhere
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
class Parts:
    """Which part of a list is shown, as a number from 1, and those beside it; 0 where there is none."""

    shown: int
    newer: int
    older: int


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
    slot_parts: Parts
    running: int
    decisions: tuple[DecisionRow, ...]
    decision_parts: Parts
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


def project_page(
    *, project: Project, at: datetime, beside: str = "", slot_part: int = 1, decision_part: int = 1
) -> ProjectPage:
    """Everything on a project's page, of one out of `projects_of`. `beside`: whom to compare it with."""
    slot_part, decision_part = (max(1, min(part, _LAST_PART)) for part in (slot_part, decision_part))
    rules = numbers_of(project, policy=in_force(at)[1], at=at)
    position = position_of(project_id=project.pk, policy=rules, at=at)
    valid, to_come = not_over(project=project, at=at)
    budgets = tuple(_budgets(valid, at))
    counted = [budget.hours for budget in budgets if budget.hours]
    numbers = eased(rules, position.exceptions) if position else rules
    # From the first one on, since room and what is open now are told from them; one more tells of a next.
    found = tuple(slots_of(project, late=at + numbers.exempt, at=at, most=SLOTS * slot_part + 1))
    slots = found[: SLOTS * slot_part]
    before = _LATEST * (decision_part - 1)
    decisions = list(
        Decision.objects.filter(project=project).select_related("taken_on")[before : before + _LATEST + 1]
    )
    return ProjectPage(
        project=project,
        place=_place(project, position.standing, rules, at, beside) if position else None,
        room=room_left(position.standing, numbers, at, slots) if position else None,
        budgets=budgets,
        budget_left=sum((budget.left for budget in budgets), Decimal(0)),
        hours_left=sum((hours.left for hours in counted), Decimal(0)) if counted else None,
        to_come=tuple(to_come),
        slots=slots[SLOTS * (slot_part - 1) :],
        slot_parts=_parts(slot_part, len(found) > len(slots)),
        running=sum(slot.tone == "own" for slot in slots),
        decisions=decision_rows(decisions[:_LATEST]),
        decision_parts=_parts(decision_part, len(decisions) > _LATEST),
        members=tuple(members_of(project)),
        public_name=public_name(project, at),
        history=level_history(project=project, standing=position.standing, policy=rules, at=at)
        if position
        else None,
        exceptions=of_project(project, at=at),
    )


def _parts(shown: int, goes_on: bool) -> Parts:
    return Parts(shown, newer=shown - 1, older=shown + 1 if goes_on and shown < _LAST_PART else 0)


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
