"""Moving a slot before it begins, to other devices, another time or length, and extending it at its end.

A move is one transaction: the slot is given up and the new one decided on and booked, or nothing has
changed but that a refusal is stored. What is given up counts as free for the new decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.models import User
from common.ranges import bounds
from nodes.services import occupancy
from pricing.models import Grant
from pricing.services import grants as purse
from reservations import wording
from reservations.domain.asking import Request
from reservations.domain.decision import Answer
from reservations.domain.rules import Case, counted
from reservations.errors import ChangeRefused
from reservations.models import Decision, RefusedChange, Reservation, Run, SlotChange
from reservations.selectors import changing as changed, snapshots
from reservations.services import booking, counters, counting, deciding, runs, slots, telling
from reservations.services.booking import Placing
from reservations.services.deciding import InForce

Change = Reservation.Change


@dataclass(frozen=True)
class _Outcome:
    decision: Decision
    answer: Answer
    made: Reservation | None


class _Undone(Exception):  # how a savepoint is left, not an error
    """Takes back what was given up, with the answer that came of it."""

    def __init__(self, placing: Placing) -> None:
        super().__init__()
        self.placing = placing


@counting.retried
def move(
    *,
    reservation: Reservation,
    devices: Sequence[UUID],
    start: datetime | None,
    end: datetime,
    by: User,
    at: datetime,
) -> Reservation:
    """Give the slot up for another one, or raise Refused and leave everything as it was.

    Without a start it starts now. What giving up costs is as for a cancellation at this moment.
    """
    request = booking.request_of(project=reservation.project, devices=devices, start=start, end=end, at=at)
    with transaction.atomic():
        outcome = _move(reservation, request, by)
    return _made(outcome, reservation, Change.MOVED)


@counting.retried
def preview_move(
    *,
    reservation: Reservation,
    devices: Sequence[UUID],
    start: datetime | None,
    end: datetime,
    by: User,
    at: datetime,
) -> Answer:
    """What `move` would answer now, its level from that with the slot as it is; then all is undone."""
    request = booking.request_of(project=reservation.project, devices=devices, start=start, end=end, at=at)
    before: Decimal | None = None
    try:
        with transaction.atomic():
            prepared = _prepared(reservation, request, by)
            before = changed.level_now(prepared.reservation, rules=prepared.policy.rules, at=at)
            # Out of all of it: to lock a cell that nobody has counted in yet, its row is made.
            raise _Undone(_tried(prepared, request, keep=False))
    except _Undone as undone:
        answer = undone.placing.decided.answer
        return replace(answer, level=replace(answer.level, before=before))


@counting.retried
def extend(*, reservation: Reservation, end: datetime, by: User, at: datetime) -> Reservation:
    """Book the same devices from the slot's end on, decided on like any booking, or raise Refused.

    The hours that are there already keep their price. What is queued goes on in the added hours; a job
    that runs ends with the slot that it began in, for no node lengthens a lease that it was given.
    """
    request = _extension(reservation, end, at)
    with transaction.atomic():
        policy = deciding.lock_project(project_id=reservation.project_id, user_id=by.pk, at=at)
        reservation = slots.own(reservation)
        runs.require_keeper(reservation=reservation, by=by)
        _require_extendable(reservation, at)
        its_grants = purse.lock_grants(project_id=reservation.project_id)
        placing = booking.decide_and_hold(
            request=request, project=reservation.project, holder=_holder(reservation, by),
            its_grants=its_grants, rules=policy.rules, descendant_of=reservation, change=Change.EXTENDED,
        )  # fmt: skip
        outcome = _written(placing, reservation, policy, its_grants, by)
    return _made(outcome, reservation, Change.EXTENDED)


def preview_extension(*, reservation: Reservation, end: datetime, by: User, at: datetime) -> Answer:
    """What `extend` would answer now, to whoever holds the slot. Nothing is locked, held or stored."""
    request = _extension(reservation, end, at)
    runs.require_keeper(reservation=reservation, by=by)
    _require_extendable(reservation, at)
    return booking.preview(
        project=reservation.project, devices=[UUID(uid) for uid in request.devices], start=request.start,
        end=end, asked_by=_holder(reservation, by), at=at,
    )  # fmt: skip


def _extension(reservation: Reservation, end: datetime, at: datetime) -> Request:
    return booking.request_of(
        project=reservation.project, devices=[*reservation.devices.values_list("device__uid", flat=True)],
        start=bounds(reservation.during)[1], end=end, at=at,
    )  # fmt: skip


def _require_extendable(reservation: Reservation, at: datetime) -> None:
    slots.require_open(reservation, at)
    live = reservation.descendants.filter(change=Change.EXTENDED).exclude(state=Reservation.State.CANCELLED)
    if (after := live.first()) is not None:
        raise ChangeRefused(
            _("This slot is extended already: extend the one that follows it."), follower=str(after.uid)
        )


# --- moving ---------------------------------------------------------------------------
@dataclass(frozen=True)
class _Prepared:
    """A slot that may be moved, with everything locked that the move bears on."""

    reservation: Reservation
    holder: User
    policy: InForce


def _move(reservation: Reservation, request: Request, by: User) -> _Outcome:
    prepared = _prepared(reservation, request, by)
    placing = _tried(prepared, request, keep=True)
    its_grants = purse.lock_grants(project_id=prepared.reservation.project_id)
    old = prepared.reservation
    outcome = _written(placing, old, prepared.policy, its_grants, by)
    if outcome.made is not None:
        _take_jobs_along(old, outcome.made, request.at)
        _take_extension_along(old, outcome.made)
    return outcome


def _prepared(reservation: Reservation, request: Request, by: User) -> _Prepared:
    """Lock in the one order: project, slot, grants, then the devices of both slots together."""
    policy = deciding.lock_project(project_id=reservation.project_id, user_id=by.pk, at=request.at)
    reservation = slots.own(reservation)
    runs.require_keeper(reservation=reservation, by=by)
    booking.require_not_begun(reservation, request.at)
    wanted = snapshots.wanted_devices([UUID(uid) for uid in request.devices])
    held = {one.device_id: str(one.device.uid) for one in reservation.devices.select_related("device")}
    if set(held.values()) == set(request.devices) and bounds(reservation.during) == (
        request.start, request.end,
    ):  # fmt: skip
        raise ChangeRefused(_("That is the slot that you have: choose another time or other devices."))
    its_grants = purse.lock_grants(project_id=reservation.project_id)
    holder = _holder(reservation, by)
    asked = deciding.decide(
        request=request, project_id=reservation.project_id, asked_by_id=holder.pk, wanted=wanted,
        grants=its_grants, rules=policy.rules,
    )  # fmt: skip
    # All at once: two who exchange their weeks or their devices would otherwise wait for each other.
    cells = [one.cell for one in counted(Case.of(request, asked.snapshot, policy.rules))]
    counters.lock(references=[reservation.reference], cells=cells)
    occupancy.lock_devices(device_ids=sorted({*held, *(device.id for device in wanted)}))
    return _Prepared(reservation, holder, policy)


def _tried(prepared: _Prepared, request: Request, *, keep: bool) -> Placing:
    """Give the slot up and decide on the other; what was given up comes back unless that is granted."""
    old = prepared.reservation
    try:
        with transaction.atomic():
            booking.give_up(reservation=old, at=request.at)
            placing = booking.decide_and_hold(
                request=request, project=old.project, holder=prepared.holder,
                its_grants=purse.lock_grants(project_id=old.project_id), rules=prepared.policy.rules,
                descendant_of=old, change=Change.MOVED,
            )  # fmt: skip
            if not (keep and placing.is_granted):
                raise _Undone(placing)
    except _Undone as undone:
        return undone.placing
    return placing


def _take_jobs_along(old: Reservation, new: Reservation, at: datetime) -> None:
    """What waits goes with the slot; what its node had been given is to stop there and is queued anew.

    The new one waits until the node has confirmed that the old one did not begin (see dispatch): a node
    that cannot be reached may begin it all the same. A job for a node that is not part of the new slot
    stays behind, and does not run.
    """
    nodes = set(new.devices.values_list("device__node", flat=True))
    coming = old.runs.filter(state__in=(Run.State.QUEUED, Run.State.LEASED), node__in=nodes)
    for run in coming.order_by("number"):
        if run.state == Run.State.QUEUED:
            Run.objects.filter(pk=run.pk).update(reservation=new)
        else:
            Run.objects.create(
                reservation=new, node_id=run.node_id, number=run.number, script=run.script,
                environment=run.environment, bring_back=run.bring_back, created_by=run.created_by,
                created_at=at, retry_of=run, **run.terms.columns(),
            )  # fmt: skip


def _take_extension_along(old: Reservation, new: Reservation) -> None:
    """What the slot went on in goes on from the moved one where they still touch, else it stands alone."""
    after = changed.going_on_from(new, before=old)
    if after is not None:
        Reservation.objects.filter(pk=after.pk).update(descendant_of=new)


# --- shared ---------------------------------------------------------------------------
def _written(
    placing: Placing, old: Reservation, policy: InForce, its_grants: list[Grant], by: User
) -> _Outcome:
    """Store the decision, and the slot where it was granted."""
    at = placing.reservation.created_at
    decision = deciding.record(decided=placing.decided, project=old.project, asked_by=by, policy=policy)
    if not placing.is_granted:
        RefusedChange.objects.create(decision=decision, reservation=old, change=placing.reservation.change)
        return _Outcome(decision, placing.decided.answer, None)
    made = booking.write(placing=placing, decision=decision, its_grants=its_grants, rules=policy.rules)
    kind = SlotChange.Kind.MOVED if made.change == Change.MOVED else SlotChange.Kind.EXTENDED
    slots.write_down(reservation=old, kind=kind, by=by, at=at)
    telling.slot_changed(before=old, after=made, by=by, at=at)
    return _Outcome(decision, placing.decided.answer, made)


def _made(outcome: _Outcome, old: Reservation, change: Change) -> Reservation:
    if outcome.made is None:  # raised only now, when the refusal's decision is committed
        headline = wording.headline(outcome.answer)
        message = _("%(headline)s Nothing has changed.") % {"headline": headline}
        # Of a move they are worked out with the old slot given up: booked beside it they may be refused.
        told = {"change": str(change), "of": str(old.uid)} if change == Change.MOVED else {}
        raise booking.refusal(message, outcome.decision, outcome.answer, told)
    return outcome.made


def _holder(reservation: Reservation, by: User) -> User:
    """Whoever holds the slot keeps it, unless they have left: then it is whoever changes it."""
    is_member = reservation.project.memberships.filter(user=reservation.booked_by_id).exists()
    return reservation.booked_by if is_member else by


def goes_on(at: datetime) -> Exists:
    """Of a run: whether its slot is extended by one that is not over."""
    after = Reservation.objects.filter(
        descendant_of=OuterRef("reservation"), change=Change.EXTENDED, state=Reservation.State.BOOKED,
        during__endswith__gt=at,
    )  # fmt: skip
    return Exists(after)


def follow_on(*, at: datetime) -> int:
    """Jobs that wait at the end of a slot go on in the one that extends it; answer how many did."""
    is_over = Q(reservation__during__endswith__lte=at) | Q(reservation__state=Reservation.State.RELEASED)
    ended = Run.objects.filter(goes_on(at), is_over, state=Run.State.QUEUED)
    return sum(_follow_on(pk, at) for pk in ended.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _follow_on(pk: int, at: datetime) -> bool:
    """Under the lock of the slot that it goes on in: whoever queues a job there waits for its number."""
    live = Reservation.objects.filter(
        descendant_of__runs=pk, change=Change.EXTENDED, state=Reservation.State.BOOKED,
        during__endswith__gt=at,
    )  # fmt: skip
    after = live.select_for_update(of=("self",), skip_locked=True).first()
    if after is None:
        return False
    number = (after.runs.aggregate(last=Max("number"))["last"] or 0) + 1
    moved = Run.objects.filter(pk=pk, state=Run.State.QUEUED).update(reservation=after, number=number)
    return bool(moved)
