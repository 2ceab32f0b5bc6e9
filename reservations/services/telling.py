"""Telling people of their slots, jobs, grants and tokens: what just happened, and what is about to.

What is about to happen a sweep looks for; told twice it is told once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F
from django.urls import reverse

from accounts.domain import house_rules
from accounts.models import ApiToken, HouseRulesAcceptance, Notice, ProjectMembership, User
from accounts.services.notices import notify, stewards
from common.ranges import bounds
from nodes.models import Lease, Node
from pricing.domain.grants import Part
from pricing.models import Grant
from reservations.models import NoShow, Reservation, Run

SOON = timedelta(minutes=30)
BOOKED_JUST_NOW = timedelta(hours=1)  # who books a slot that begins within the hour knows
TOKEN_ENDS_IN = timedelta(days=7)
MOSTLY_USED = Decimal("0.8")
MOST_AT_ONCE = 2000  # people told of new house rules in one sweep


# --- what just happened -----------------------------------------------------
def run_over(
    *,
    run: Run,
    lease: Lease | None,
    state: str,
    at: datetime,
    again: Run | None = None,
    has_run: bool = False,
) -> None:
    """Tell who queued a job how it ended, and whether it runs again, in the transaction that ends it.

    `has_run`: it is given up because it began elsewhere, in the slot that was moved.
    """
    facts: dict[str, object] = {"project": run.reservation.project.name, "job": run.number}
    facts["node"] = run.node.name
    unrun = "has_run" if has_run else Lease.EndReason.NOT_STARTED
    facts["outcome"] = lease.end_reason if lease else unrun
    was_lost = state == Run.State.LOST and facts["outcome"] == Lease.EndReason.AGENT_LOST
    if was_lost or again is not None:
        kind = "job_lost"
        facts["again"] = None if again is None else again.number
    else:
        kind = "job_ended"
        facts["exit_code"] = lease.exit_code if lease else None
    _tell(run.created_by, kind, facts, run.reservation, f"run:{run.uid}", at)


def slot_cancelled(*, reservation: Reservation, by: User, at: datetime) -> None:
    """Tell who booked a slot that somebody else of the project cancelled it."""
    if by != reservation.booked_by:
        facts = {"project": reservation.project.name, "by": by, **_times(reservation)}
        _tell(reservation.booked_by, "slot_cancelled", facts, reservation, f"cancelled:{reservation.uid}", at)


def slot_changed(*, before: Reservation, after: Reservation, by: User, at: datetime) -> None:
    """Tell who holds a slot that somebody else of the project moved or extended it."""
    if by != after.booked_by:
        start, end = bounds(after.during)
        facts = {"project": after.project.name, "by": by, "change": after.change, **_times(before)}
        facts |= {"new_start_at": start, "new_end_at": end}
        _tell(after.booked_by, "slot_changed", facts, after, f"{after.change}:{after.uid}", at)


def slot_released(*, reservation: Reservation, by: User | None, at: datetime) -> None:
    """Tell who holds a slot that the rest of it is gone, unless they did that just now themselves."""
    if by != reservation.booked_by:
        facts = {"project": reservation.project.name, "by": by, "change": "released", **_times(reservation)}
        facts |= {"new_start_at": bounds(reservation.during)[0], "new_end_at": at}
        _tell(reservation.booked_by, "slot_changed", facts, reservation, f"released:{reservation.uid}", at)


def slot_taken_back(*, reservation: Reservation, node: Node, reason: str, at: datetime) -> None:
    """Tell who holds a slot that the node’s owner has taken it back, whole or its rest."""
    facts = {"project": reservation.project.name, "node": node.name, **_times(reservation)}
    facts |= {"taken_at": max(bounds(reservation.during)[0], at), "reason": reason}
    _tell(reservation.booked_by, "slot_taken_back", facts, reservation, f"taken:{reservation.uid}", at)


def slot_handed_over(
    *, reservation: Reservation, held_before: User, held_after: User, by: User, at: datetime
) -> None:
    """Tell both, but for whoever did it."""
    for user, outcome in ((held_before, "given"), (held_after, "taken")):
        if user != by:
            facts = {"project": reservation.project.name, "by": by, "outcome": outcome, **_times(reservation)}
            dedupe = f"handed:{reservation.uid}:{at:%Y%m%dT%H%M%S}"
            _tell(user, "slot_handed_over", facts, reservation, dedupe, at)


def no_show_warned(*, reservation: Reservation, release_at: datetime, at: datetime) -> None:
    facts = {"project": reservation.project.name, **_times(reservation), "release_at": release_at}
    # Whoever gets it back after having handed it over is warned anew, of another moment.
    dedupe = f"unused:{reservation.uid}:{reservation.booked_by_id}:{at:%Y%m%dT%H%M%S}"
    _tell(reservation.booked_by, "no_show_warning", facts, reservation, dedupe, at)


def no_show_judged(*, no_show: NoShow, at: datetime) -> None:
    """Only who was warned hears that it does not count."""
    reservation = no_show.reservation
    facts = {"project": reservation.project.name, **_times(reservation)}
    facts["outcome"] = "no_show" if no_show.verdict else "not_judged"
    _tell(no_show.person, "no_show_judged", facts, no_show, f"no-show:{reservation.uid}", at)


def no_show_appealed(*, no_show: NoShow, at: datetime) -> None:
    start, _end = bounds(no_show.reservation.during)
    facts = {"project": no_show.reservation.project.name, "by": no_show.person, "start_at": start}
    notify(
        users=stewards(), kind="no_show_appealed", params=facts,
        url=reverse("steward_no_show", args=[no_show.uid]), dedupe=f"appealed:{no_show.uid}", at=at,
    )  # fmt: skip


def no_show_answered(*, no_show: NoShow, at: datetime) -> None:
    start, _end = bounds(no_show.reservation.during)
    facts = {"project": no_show.reservation.project.name, "start_at": start, "reason": no_show.answer}
    facts["outcome"] = "upheld" if no_show.is_upheld else "stands"
    _tell(no_show.person, "no_show_answered", facts, no_show, f"answered:{no_show.uid}", at)


def slot_settled(*, reservation: Reservation, charged: Decimal, at: datetime) -> None:
    """Tell who booked a slot what it costs that it was given back."""
    if reservation.state in (Reservation.State.CANCELLED, Reservation.State.RELEASED):
        start, _end = bounds(reservation.during)
        facts = {"project": reservation.project.name, "state": reservation.state, "start_at": start}
        facts["charged_eur"] = charged
        _tell(reservation.booked_by, "slot_settled", facts, reservation, f"settled:{reservation.uid}", at)


def grants_used(*, grants: Sequence[Grant], parts: Sequence[Part], at: datetime) -> None:
    """Tell leads when what was just set aside brings a grant to 80 %, or leaves nothing of it.

    An allowance comes again every month: of that only the latter.
    """
    by_id = {grant.pk: grant for grant in grants}
    for part in parts:
        grant = by_id[part.grant_id]
        before, after = _share(grant, without=part), _share(grant)
        marks = (Decimal(1),) if grant.allowance_month else (Decimal(1), MOSTLY_USED)
        reached = next((mark for mark in marks if before < mark <= after), None)
        if reached is not None:
            _tell_leads(grant, reached, at)


def _share(grant: Grant, without: Part | None = None) -> Decimal:
    """How much of a grant is used or set aside: of its money or its hours, whichever is more."""
    money, hours = grant.encumbered + grant.used, grant.hours_encumbered + grant.hours_used
    if without is not None:
        money, hours = money - without.amount, hours - without.hours
    of_money = money / grant.amount if grant.amount else Decimal(0)
    return max(of_money, hours / grant.hours) if grant.hours else of_money


def _tell_leads(grant: Grant, reached: Decimal, at: datetime) -> None:
    leads = User.objects.filter(
        project_memberships__project=grant.project_id,
        project_memberships__role=ProjectMembership.Role.LEAD,
    )
    notify(
        users=leads, kind="grant_used",
        params={"project": grant.project.name, "grant": grant.name, "used_ratio": reached},
        url=grant.project.get_absolute_url(), dedupe=f"grant:{grant.uid}:{reached:.0%}", at=at,
    )  # fmt: skip


# --- what is about to -------------------------------------------------------
def tell_what_comes(*, at: datetime) -> None:
    _slots_that_begin(at)
    _tokens_that_end(at)
    _rules_that_changed(at)


def _slots_that_begin(at: datetime) -> None:
    soon = Reservation.objects.unsettled().filter(
        state=Reservation.State.BOOKED,
        during__startswith__gt=at,
        during__startswith__lte=at + SOON,
        created_at__lte=F("during__startswith") - BOOKED_JUST_NOW,
    )
    soon = soon.select_related("project", "booked_by").prefetch_related("devices__device__node")
    for reservation in soon:
        facts = {
            "project": reservation.project.name, "devices": _devices(reservation), **_times(reservation)
        }  # fmt: skip
        _tell(reservation.booked_by, "slot_starting", facts, reservation, f"starting:{reservation.uid}", at)


def _tokens_that_end(at: datetime) -> None:
    """Those that were made for longer than a week."""
    ending = ApiToken.objects.live(at).filter(
        expires_at__lte=at + TOKEN_ENDS_IN, expires_at__gt=F("created_at") + TOKEN_ENDS_IN
    )
    for token in ending.select_related("user"):
        notify(
            users=[token.user], kind="token_expiring",
            params={"token": token.name, "expires_at": token.expires_at}, url=reverse("tokens"),
            dedupe=f"token:{token.uid}:ends", at=at,
        )  # fmt: skip


def _rules_that_changed(at: datetime) -> None:
    """Everybody who accepted an older version, once the new one is in force."""
    number = house_rules.CURRENT.number
    accepted = HouseRulesAcceptance.objects.filter(version=number).values("user")
    told = Notice.objects.filter(dedupe=f"rules:{number}").values("user")
    older = HouseRulesAcceptance.objects.filter(version__lt=number).values("user")
    waiting = User.objects.filter(pk__in=older, is_active=True).exclude(pk__in=accepted).exclude(pk__in=told)
    notify(
        users=waiting[:MOST_AT_ONCE], kind="rules_changed", params={"version": number},
        url=reverse("rules"), dedupe=f"rules:{number}", at=at,
    )  # fmt: skip


def _tell(
    user: User, kind: str, facts: dict[str, object], about: Reservation | NoShow, dedupe: str, at: datetime
) -> None:
    notify(users=[user], kind=kind, params=facts, url=about.get_absolute_url(), dedupe=dedupe, at=at)


def _times(reservation: Reservation) -> dict[str, object]:
    start, end = bounds(reservation.during)
    return {"start_at": start, "end_at": end}


def _devices(reservation: Reservation) -> str:
    """`2 × A100 SXM4 on Node 3` without words, which would have a language."""
    counts = Counter((one.device.model, one.device.node.name) for one in reservation.devices.all())
    return " + ".join(f"{count} × {model} ({node})" for (model, node), count in sorted(counts.items()))
