"""What one can do now: the first page of who is signed in. Five queries, however much they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, Project, ProjectMembership, User
from accounts.wording import notices as wording
from common import formats
from pricing.domain.funding import first_of_month
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy
from reservations.selectors.own import Own, OwnGrant, OwnOrganisation, OwnProject, OwnSlot, Queues, own
from reservations.selectors.policies import in_force
from reservations.selectors.soonest import Soonest, soonest

_LEAD = ProjectMembership.Role.LEAD


@dataclass(frozen=True)
class SlotLine:
    url: str
    title: str  # 4 × H100 SXM5
    node: str
    project: str
    start: datetime
    end: datetime
    left: timedelta
    whole: timedelta
    is_own: bool
    may_run: bool
    jobs: int
    is_running: bool


@dataclass(frozen=True)
class AllowanceLeft:
    """Device-hours of a month that everybody gets, and the money that is set aside for them."""

    month: date
    funder: str
    hours: Decimal
    taken: Decimal  # used and booked
    left: Decimal
    money_left: Decimal
    money: Decimal
    note: str
    renewed_on: datetime | None


@dataclass(frozen=True)
class ProjectLine:
    name: str
    url: str
    book_url: str
    members_url: str  # empty where nobody else can be in it
    class_name: str
    budget_left: Decimal  # of grants valid now
    state: str  # a word, where nothing can be booked
    can: str  # what one may do there


@dataclass(frozen=True)
class OrganisationLine:
    name: str
    url: str
    kind: str
    state: str
    tone: str
    can: str


@dataclass(frozen=True)
class Waiting:
    """An invitation to one of the reader's addresses."""

    sentence: str
    url: str
    sent_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class NoticeLine:
    title: str
    at: datetime


@dataclass(frozen=True)
class StartPage:
    at: datetime
    name: str
    first: SlotLine | None  # of the open ones, that with a running job or one's own
    open_slots: tuple[SlotLine, ...]  # the others
    next_slots: tuple[SlotLine, ...]
    allowance: AllowanceLeft | None
    soonest: Soonest | None
    booking_for: str  # the project that the soonest slot would be booked for
    has_personal: bool
    projects: tuple[ProjectLine, ...]
    organisations: tuple[OrganisationLine, ...]
    owns_nodes: bool
    invitations: tuple[Waiting, ...]
    unread: int
    notices: tuple[NoticeLine, ...]
    queues: Queues | None
    has_booked: bool  # ever: else the first thing to do is to book


def start_page(*, user: User, at: datetime) -> StartPage:
    rules = _rules(at)
    mine = own(user=user, at=at, until=at + rules.horizon)
    bookable = [project for project in mine.projects if _state(project, at) == ""]
    found, project = _soonest(mine, bookable, rules, at)
    lines = [_slot(slot, at) for slot in mine.slots]
    opened = sorted(
        (line for line in lines if line.start <= at),
        key=lambda line: (not line.is_running, not line.is_own, line.end),
    )
    return StartPage(
        at=at,
        name=user.name,
        first=opened[0] if opened else None,
        open_slots=tuple(opened[1:]),
        next_slots=tuple(line for line in lines if line.start > at),
        allowance=_allowance(mine, at),
        soonest=found,
        booking_for=project.name if project else "",
        has_personal=any(project.is_personal for project in mine.projects),
        projects=tuple(_project(project, mine.grants, at) for project in mine.projects),
        organisations=tuple(_organisation(one) for one in mine.organisations),
        owns_nodes=any(one.kind == Organisation.Kind.OWNER for one in mine.organisations),
        invitations=tuple(_waiting(mine)),
        unread=mine.unread,
        notices=tuple(NoticeLine(wording.title(one.kind, one.params), one.at) for one in mine.newest),
        queues=mine.queues,
        has_booked=mine.has_booked,
    )


def _rules(at: datetime) -> Rules:
    """Until a policy is published slots are looked for under the defaults; booking is refused."""
    try:
        return in_force(at)[1]
    except NoPolicy:
        return Rules()


def _soonest(
    mine: Own, projects: Iterable[OwnProject], rules: Rules, at: datetime
) -> tuple[Soonest | None, OwnProject | None]:
    """For the first project that has something left: one's own before those shared with others."""
    for project in projects:
        funds = [grant for grant in mine.grants if grant.project_id == project.id and _has_left(grant)]
        if funds:
            return soonest(project=project.slug, funds=funds, rules=rules, at=at), project
    return None, None


def _has_left(grant: OwnGrant) -> bool:
    return grant.left > 0 and (grant.hours_left is None or grant.hours_left > 0)


def _slot(slot: OwnSlot, at: datetime) -> SlotLine:
    return SlotLine(
        url=slot.url,
        title=" + ".join(f"{count} × {model}" for model, count in slot.devices),
        node=slot.node,
        project=slot.project,
        start=slot.start,
        end=slot.end,
        left=slot.end - max(at, slot.start),
        whole=slot.end - slot.start,
        is_own=slot.is_own,
        may_run=slot.may_run,
        jobs=slot.jobs,
        is_running=slot.is_running,
    )


def _allowance(mine: Own, at: datetime) -> AllowanceLeft | None:
    """This month's, of the reader's own project; else of the first project that has one."""
    order = {project.id: position for position, project in enumerate(mine.projects)}
    found = [grant for grant in mine.grants if grant.allowance_month == first_of_month(at)]
    if not found:
        return None
    grant = min(found, key=lambda one: order[one.project_id])
    if grant.hours is None or grant.hours_left is None:
        return None
    return AllowanceLeft(
        month=first_of_month(at),
        funder=grant.funder,
        hours=grant.hours,
        taken=grant.hours - grant.hours_left,
        left=grant.hours_left,
        money_left=grant.left,
        money=grant.amount,
        note=_("Used %(used)s, booked %(booked)s. They may cost %(whole)s a month; %(left)s of it is left.")
        % {
            "used": formats.number(grant.hours_used, 1),
            "booked": formats.number(grant.hours_booked, 1),
            "left": formats.money(grant.left),
            "whole": formats.money(grant.amount),
        },
        renewed_on=grant.valid.upper,
    )


def _project(project: OwnProject, grants: Iterable[OwnGrant], at: datetime) -> ProjectLine:
    address = f"/projects/{project.slug}/"
    valid = [grant for grant in grants if grant.project_id == project.id and _is_valid(grant, at)]
    return ProjectLine(
        name=project.name,
        url=address,
        book_url=f"/book/?project={project.slug}",
        members_url="" if project.is_personal else f"{address}members/",
        class_name=str(Project.Class(project.project_class).label),
        budget_left=sum((grant.left for grant in valid), Decimal(0)),
        state=_state(project, at),
        can=_can(project),
    )


def _is_valid(grant: OwnGrant, at: datetime) -> bool:
    return (grant.valid.lower is None or grant.valid.lower <= at) and (
        grant.valid.upper is None or at < grant.valid.upper
    )


def _state(project: OwnProject, at: datetime) -> str:
    if project.is_suspended:
        return _("Suspended")
    return _("Over") if project.expires_at is not None and project.expires_at <= at else ""


def _can(project: OwnProject) -> str:
    if project.is_personal:
        return _("Yours alone: book and run jobs.")
    if project.role == _LEAD:
        return _("You lead it: book, invite members, set roles and caps.")
    return _("You are a member: book and run jobs.")


def _organisation(one: OwnOrganisation) -> OrganisationLine:
    kind = Organisation.Kind(one.kind)
    if one.is_declined:
        state, tone = _("Declined"), "bad"
    elif one.is_verified:
        state, tone = _("Verified"), "good"
    else:
        state, tone = _("Waiting for a steward"), "info"
    return OrganisationLine(
        name=one.name,
        url=f"/organisations/{one.slug}/",
        kind=str(kind.label),
        state=state,
        tone=tone,
        can=_can_there(one, kind),
    )


def _can_there(one: OwnOrganisation, kind: Organisation.Kind) -> str:
    if not one.is_verified:
        return _("Until it is verified its kind gives no right.")
    if one.role != OrganisationMembership.Role.LEAD:
        return _("You are a member: you see what it does.")
    return {
        Organisation.Kind.OWNER: _("You lead it: its nodes, their costs and prices."),
        Organisation.Kind.FUNDER: _("You lead it: set money aside and give grants."),
        Organisation.Kind.LAB: _("You lead it: its members and projects."),
        Organisation.Kind.OPERATOR: _("You lead it: it runs this site."),
    }[kind]


def _waiting(mine: Own) -> Iterable[Waiting]:
    for one in mine.invitations:
        said = (
            _("%(by)s invites you to %(group)s, as a lead.")
            if one.role == _LEAD
            else _("%(by)s invites you to %(group)s.")
        )
        yield Waiting(said % {"by": one.by, "group": one.group}, one.url, one.sent_at, one.expires_at)
