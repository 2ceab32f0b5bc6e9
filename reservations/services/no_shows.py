"""Slots that have begun and that nobody uses: warned of, released, judged, appealed against.

A sweep looks at each slot once it has begun, however late that is, and remembers that it has looked.
What speaks for the person is read under the slot's lock, which checking in takes too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import stewarding
from common.access import NotAllowed
from common.ranges import bounds
from reservations.domain import no_shows as rules
from reservations.domain.no_shows import Judgement, Times
from reservations.errors import AppealRefused, ChangeRefused, NotAMember
from reservations.models import NoShow, Reservation, SlotChange
from reservations.selectors import no_shows as selectors
from reservations.services import releasing, slots, telling

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500
LONGEST_APPEAL = 2000


# --- the sweep ----------------------------------------------------------------------------
def look(*, at: datetime) -> int:
    """Warn of what begins unused, release what stays so; answer how many were judged a no-show."""
    for pk in selectors.not_looked_at(at, MOST_AT_ONCE):
        _safely(_look_first, pk, at)
    return sum(_safely(_look_again, pk, at) for pk in selectors.warned(MOST_AT_ONCE))


def _safely(look_at: Callable[[int, datetime], bool], pk: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            return look_at(pk, at)
    except Exception:
        # One slot that cannot be judged must not keep all those behind it from being.
        logger.exception("reservation %s could not be looked at", pk)
        return False


def _look_first(pk: int, at: datetime) -> bool:
    reservation = slots.locked(Reservation.objects.get(pk=pk))
    times = selectors.times_of(reservation)
    if reservation.looked_at is not None or reservation.state == Reservation.State.CANCELLED:
        return False
    if times is None:
        return _looked(reservation, at)  # booked under a policy that has no such rule
    facts = selectors.facts_of(reservation, at=at)
    said = rules.judge(facts)
    is_over = at >= bounds(reservation.during)[1]
    if said.verdict is False:
        return _looked(reservation, at)
    if not is_over and said.reason == "not_warned":  # nothing else speaks for them
        no_show = NoShow(reservation=reservation, person=reservation.booked_by)
        _warn(no_show, times, at)
        return _looked(reservation, at)
    if is_over or at >= times.released:
        no_show = NoShow(reservation=reservation, person=reservation.booked_by)
        _judge(no_show, said, at)
        return _looked(reservation, at)
    return False  # a job is queued, or its node is away: there is time to look again


def _looked(reservation: Reservation, at: datetime) -> bool:
    reservation.looked_at = at
    reservation.save(update_fields=["looked_at"])
    return False


def _warn(no_show: NoShow, times: Times, at: datetime) -> None:
    no_show.warned_at = at
    no_show.save()
    reservation = no_show.reservation
    slots.write_down(reservation=reservation, kind=SlotChange.Kind.WARNED, by=None, at=at)
    telling.no_show_warned(reservation=reservation, release_at=rules.released_from(times, at), at=at)


def _look_again(pk: int, at: datetime) -> bool:
    reservation = slots.locked(Reservation.objects.get(pk=pk))
    no_show = _locked(NoShow.objects.get(reservation=reservation))
    no_show.reservation = reservation
    times = selectors.times_of(reservation)
    if no_show.judged_at is not None or times is None:
        return False
    _start, end = bounds(reservation.during)
    warned_at = no_show.warned_at
    if warned_at is None:  # it was handed over: whoever holds it now is warned anew
        if times.warned <= at < end and reservation.state == Reservation.State.BOOKED:
            _warn(no_show, times, at)
            return False
        due = times.released
    else:
        due = rules.released_from(times, warned_at)
    was_in_time = warned_at if warned_at is not None and due < end else None
    said = rules.judge(selectors.facts_of(reservation, at=at, warned_at=was_in_time))
    if said.verdict is not False and reservation.state == Reservation.State.BOOKED and at < min(due, end):
        return False
    if said.verdict and reservation.state == Reservation.State.BOOKED and at < end:
        _release(reservation, no_show, at)
    _judge(no_show, said, at)
    return bool(said.verdict)


def _release(reservation: Reservation, no_show: NoShow, at: datetime) -> None:
    releasing.give_back_rest(reservation=reservation, at=at)
    no_show.released_at = at
    slots.write_down(reservation=reservation, kind=SlotChange.Kind.NO_SHOW, by=None, at=at)


def _judge(no_show: NoShow, said: Judgement, at: datetime) -> None:
    no_show.verdict, no_show.reason, no_show.judged_at = said.verdict, said.reason, at
    no_show.evidence = selectors.evidence_of(no_show.reservation, warned_at=no_show.warned_at, at=at)
    no_show.save()
    if no_show.warned_at is not None and said.verdict is not False and said.reason != "given_up":
        telling.no_show_judged(no_show=no_show, at=at)


# --- saying that one uses it ----------------------------------------------------------------
@transaction.atomic
def check_in(*, reservation: Reservation, by: User, at: datetime) -> Reservation:
    """Say that the slot is in use without a job. Any member may: somebody may stand in for another."""
    reservation = slots.own(reservation)
    if not reservation.project.memberships.filter(user=by).exists():
        raise NotAMember(_("Only members of the project can change its slots."))
    if at < bounds(reservation.during)[0]:
        raise ChangeRefused(_("This slot has not begun: say that you use it once it has."))
    slots.require_open(reservation, at)
    if reservation.checked_in_at is None:
        reservation.checked_in_at = at
        reservation.save(update_fields=["checked_in_at"])
        slots.write_down(reservation=reservation, kind=SlotChange.Kind.CHECKED_IN, by=by, at=at)
        pending = NoShow.objects.pending().filter(reservation=reservation)
        for no_show in pending.select_for_update(of=("self",)):
            no_show.reservation = reservation
            _judge(no_show, Judgement(False, NoShow.Reason.CHECKED_IN), at)
    return reservation


def handed_over(*, reservation: Reservation, to: User) -> None:
    """A warning that nobody answered goes with the slot: whoever holds it now is warned anew."""
    NoShow.objects.pending().filter(reservation=reservation).update(person=to, warned_at=None)


# --- appeals --------------------------------------------------------------------------------
@transaction.atomic
def appeal(*, no_show: NoShow, text: str, by: User, at: datetime) -> NoShow:
    """Ask a steward to look at it, once, in one's own words."""
    no_show = _locked(no_show)
    text = text.strip()
    if no_show.person_id != by.pk:
        raise NotAllowed(_("Only the person whom it counts against appeals."))
    if not text:
        raise AppealRefused(_("Write what happened: a steward reads it."), field="text")
    if len(text) > LONGEST_APPEAL:
        raise AppealRefused(
            _("The appeal has %(length)d characters; %(limit)d is the most.")
            % {"length": len(text), "limit": LONGEST_APPEAL},
            field="text", limit=LONGEST_APPEAL,
        )  # fmt: skip
    if no_show.appealed_at is not None:
        raise AppealRefused(_("You have appealed against this already; there is one appeal."))
    if no_show.verdict is not True:
        raise AppealRefused(_("This does not count as a no-show: there is nothing to appeal against."))
    no_show.appeal, no_show.appealed_at = text, at
    no_show.save(update_fields=["appeal", "appealed_at"])
    telling.no_show_appealed(no_show=no_show, at=at)
    return no_show


@transaction.atomic
def answer(*, no_show: NoShow, is_upheld: bool, reason: str, by: User, at: datetime) -> NoShow:
    """A steward answers an appeal. One that is upheld clears the person from then on."""
    if not by.is_steward:
        raise NotAllowed(_("Only stewards answer appeals."))
    reason = stewarding.require_reason(reason)
    no_show = _locked(no_show)
    stewarding.require_other(project=no_show.reservation.project, by=by)
    if no_show.appealed_at is None:
        raise AppealRefused(_("Nobody has appealed against this."))
    if no_show.answered_at is not None:
        raise AppealRefused(_("This appeal is answered already."))
    no_show.answer, no_show.is_upheld, no_show.answered_by, no_show.answered_at = reason, is_upheld, by, at
    if is_upheld:
        no_show.verdict, no_show.reason = False, NoShow.Reason.UPHELD
    no_show.save()
    telling.no_show_answered(no_show=no_show, at=at)
    return no_show


def _locked(no_show: NoShow) -> NoShow:
    found = NoShow.objects.select_for_update(of=("self",))
    return found.select_related("person", "reservation__project").get(pk=no_show.pk)
