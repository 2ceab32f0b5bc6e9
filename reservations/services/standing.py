"""Suspending and resuming a project, setting its end, closing it; and what that means for its slots.

Each first locks the project's place in the share tree, as a booking does: a slot is either booked before
and called off here, or asked for afterwards and refused by the rule `project_standing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project, ProjectMembership, StewardAct, User
from accounts.services import members, notices, stewarding
from common.access import NotAllowed
from common.ranges import bounds
from nodes.services import leases, wake
from reservations.errors import StandingRefused
from reservations.models import Reservation, Run, Vertex
from reservations.services import calling_off


@transaction.atomic
def suspend(*, project: Project, reason: str, by: User, at: datetime, stop_jobs: bool = False) -> int:
    """Nothing is booked and no job starts from now on; answers how many slots were called off.

    Slots that have not begun are cancelled at no charge. A job that runs goes on until its slot ends,
    unless it is to stop now.
    """
    _require_steward(by)
    project = lock(project)
    stewarding.require_other(project=project, by=by)
    if project.suspended_at is not None:
        raise StandingRefused(_("%(project)s is suspended already.") % {"project": project})
    if not reason.strip():
        raise StandingRefused(_("Give the reason: the members read it."), field="reason")
    project.suspended_at, project.suspension_reason = at, reason.strip()
    project.save(update_fields=["suspended_at", "suspension_reason"])
    stewarding.write_down(
        act=StewardAct.Act.SUSPENDED, project=project, reason=project.suspension_reason, by=by, at=at
    )
    open_slots = _lock_open_slots(project, at)
    called_off = calling_off.call_off(
        project=project, ends_after=None, reason=project.suspension_reason, at=at
    )
    _stop_jobs(open_slots, at, also_running=stop_jobs)
    _tell(
        project, _members(project), "project_suspended",
        {"project": project.name, "reason": project.suspension_reason}, at,
    )  # fmt: skip
    return len(called_off)


@transaction.atomic
def resume(*, project: Project, by: User, at: datetime) -> None:
    """The project books again. What was called off stays cancelled."""
    _require_steward(by)
    project = lock(project)
    stewarding.require_other(project=project, by=by)
    if project.suspended_at is None:
        raise StandingRefused(_("%(project)s is not suspended.") % {"project": project})
    stewarding.write_down(
        act=StewardAct.Act.RESUMED, project=project, reason=project.suspension_reason, by=by, at=at
    )
    project.suspended_at, project.suspension_reason = None, ""
    project.save(update_fields=["suspended_at", "suspension_reason"])
    _tell(project, _members(project), "project_resumed", {"project": project.name}, at)


@transaction.atomic
def set_expiry(*, project: Project, expires_at: datetime | None, by: User, at: datetime) -> int:
    """Say when the project ends, or that it does not; answers how many slots were called off.

    For stewards, and for leads of the organisation in whose account the project stands.
    """
    project = lock(project)
    is_account_lead = leads_account_of(project=project, user=by)
    if not by.is_steward and not is_account_lead:
        raise NotAllowed(_("Only stewards and leads of the project’s account set its end."))
    if not is_account_lead:
        stewarding.require_other(project=project, by=by)
    if expires_at is not None and expires_at <= at:
        raise StandingRefused(_("The end lies in the past."), field="expires_at")
    if by.is_steward:
        end = "–" if expires_at is None else expires_at.astimezone(UTC).isoformat(timespec="minutes")
        stewarding.write_down(act=StewardAct.Act.END_SET, project=project, reason=end, by=by, at=at)
    return _end(project, expires_at, at)


@transaction.atomic
def close(*, project: Project, by: User, at: datetime) -> int:
    """A lead ends the project now. Only a steward can open it again, by giving it a later end."""
    project = lock(project)
    members.require_lead(of=project, by=by)
    if project.personal_to_id is not None:
        raise StandingRefused(_("A personal project ends with the account of its person."))
    if not _is_open(project, at):
        raise StandingRefused(_("%(project)s is over already.") % {"project": project})
    return _end(project, at, at)


def leads_account_of(*, project: Project, user: User) -> bool:
    """Whether the person leads a verified organisation in whose account, or below it, the project stands."""
    path = Vertex.objects.filter(project=project).values_list("path", flat=True).first()
    accounts = Vertex.objects.filter(
        pk__in=path or [],
        organisation__verified_at__isnull=False,
        organisation__memberships__user=user,
        organisation__memberships__role=ProjectMembership.Role.LEAD,
    )
    return accounts.exists()


def lock(project: Project) -> Project:
    """The place in the share tree first, then the project itself."""
    list(Vertex.objects.select_for_update(no_key=True, of=("self",)).filter(project=project))
    return members.lock(project)


def _end(project: Project, expires_at: datetime | None, at: datetime) -> int:
    project.expires_at = expires_at
    project.save(update_fields=["expires_at"])
    if expires_at is None:
        return 0
    called_off = calling_off.call_off(
        project=project, ends_after=expires_at, reason=calling_off.PROJECT_ENDS, at=at
    )
    return len(called_off)


def _is_open(project: Project, at: datetime) -> bool:
    return project.expires_at is None or at < project.expires_at


def _lock_open_slots(project: Project, at: datetime) -> list[Reservation]:
    """Slots that have begun, with all that are to come locked too: no dispatcher hands over a run meanwhile.

    Reservations are locked before grants and devices, leases after them.
    """
    live = Reservation.objects.filter(
        project=project, state=Reservation.State.BOOKED, during__endswith__gt=at
    )
    locked = live.select_for_update(of=("self",)).order_by("pk")
    return [one for one in locked if bounds(one.during)[0] <= at]


def _stop_jobs(reservations: Iterable[Reservation], at: datetime, *, also_running: bool) -> None:
    """Jobs that have not started in slots that have begun; the slots themselves last until their end."""
    unfinished = Run.objects.filter(reservation__in=list(reservations)).order_by("pk")
    for run in unfinished.filter(state=Run.State.QUEUED):
        Run.objects.filter(pk=run.pk).update(state=Run.State.NOT_RUN, finished_at=at)
        wake.announce(run.reference, {"type": "state", "state": Run.State.NOT_RUN})
    in_hand = (Run.State.LEASED, Run.State.RUNNING) if also_running else (Run.State.LEASED,)
    for run in unfinished.filter(state__in=in_hand):
        leases.request_stop(reference=run.reference, at=at)


def _require_steward(by: User) -> None:
    if not by.is_steward:
        raise NotAllowed(_("Only stewards suspend projects and let them go on."))


def _members(project: Project) -> Iterable[User]:
    return User.objects.filter(project_memberships__project=project)


def _tell(
    project: Project, users: Iterable[User], kind: str, params: dict[str, object], at: datetime
) -> None:
    notices.notify(
        users=users, kind=kind, params=params, url=project.get_absolute_url(),
        dedupe=f"standing:{project.uid}:{at:%Y%m%dT%H%M%S%f}", at=at,
    )  # fmt: skip
