"""The facts about a slot that is over, read from hold events, leases and prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from common.ranges import bounds
from nodes.domain import confinement
from nodes.domain.intervals import Interval
from nodes.models import HoldEvent, Lease
from reservations.domain import relet
from reservations.domain.settlement import Execution, Facts, Held, Relet, Terms
from reservations.models import Reservation, ReservedDevice, Run, SlotChange, SlotWithdrawal
from reservations.selectors import decisions

Event = HoldEvent.Event


def facts_of(reservation: Reservation) -> Facts:
    """What happened in this slot, as far as it bears on its price."""
    free_cancel = _free_cancel(reservation)
    held = _held(reservation)
    return Facts(
        held=held,
        executions=_executions(reservation),
        free_cancel=free_cancel,
        relet=[piece for one in held for piece in _relet(reservation, one, free_cancel)],
    )


def _free_cancel(reservation: Reservation) -> timedelta:
    """By the numbers of the reservation's own decision: a later policy or class does not reach back."""
    return decisions.numbers_of(reservation.decision).free_cancel


def _held(reservation: Reservation) -> list[Held]:
    reserved = list(reservation.devices.select_related("device").order_by("device_id"))
    events = _events_by_hold(reserved)
    return [_one_held(one, events.get(one.hold_uid, [])) for one in reserved]


def _events_by_hold(reserved: Iterable[ReservedDevice]) -> dict[UUID, list[HoldEvent]]:
    found: dict[UUID, list[HoldEvent]] = {}
    for event in HoldEvent.objects.filter(hold_uid__in=[one.hold_uid for one in reserved]).order_by("id"):
        found.setdefault(event.hold_uid, []).append(event)
    return found


def _one_held(reserved: ReservedDevice, events: Sequence[HoldEvent]) -> Held:
    granted = next(event for event in events if event.event == Event.GRANTED)
    back = [event for event in events if event.event in (Event.CANCELLED, Event.RELEASED, Event.WITHDRAWN)]
    # Given back more than once, from the end: the first to name an hour decides who pays for it.
    first = back[0] if back else None
    return Held(
        device_id=reserved.device_id,
        terms=Terms(reserved.device.node_id, reserved.tariff_id, reserved.price, reserved.fee),
        granted=Interval(*bounds(granted.during)),
        given_back=Interval(*bounds(first.during)) if first else None,
        given_back_at=first.at if first else None,
        taken_away=first is not None and first.event == Event.WITHDRAWN,
    )


def _executions(reservation: Reservation) -> list[Execution]:
    its_runs = list(reservation.runs.select_related("retry_of"))
    numbers = {run.lease_uid: run.number for run in its_runs if run.lease_uid is not None}
    taken_back = SlotWithdrawal.objects.filter(reservation=reservation).values_list("at", flat=True).first()
    executed = [
        Execution(
            node_id=lease.node_id,
            number=numbers[lease.uid],
            ready_at=lease.created_at,
            not_before=lease.not_before,
            started_at=lease.started_at,
            ended_at=lease.ended_at,
            is_lost=lease.state == Lease.State.LOST or _is_cut_off(lease, taken_back),
            # What was asked for and not to be had is no failure of the node: its time is paid.
            is_refused=lease.end_reason == Lease.EndReason.REFUSED
            and not confinement.is_asked_for(lease.end_notes, lease.specification),
            delay=timedelta(milliseconds=lease.start_delay_ms or 0),
        )
        for lease in Lease.objects.filter(uid__in=numbers).order_by("fence")
    ]
    return executed + list(_silences(reservation, its_runs, executed))


def _silences(
    reservation: Reservation, its_runs: Iterable[Run], executed: Iterable[Execution]
) -> Iterator[Execution]:
    """Jobs that came along with a moved slot and waited until their nodes told of the old ones: time lost."""
    start, _end = bounds(reservation.during)
    ready = {one.number: one.ready_at for one in executed}
    for run in its_runs:
        came_along = run.retry_of is not None and run.retry_of.reservation_id != reservation.pk
        until = ready.get(run.number, run.finished_at)
        if came_along and until is not None and until > start:
            yield Execution(
                node_id=run.node_id, number=run.number, ready_at=start, not_before=start, started_at=None,
                ended_at=until, is_lost=True,
            )  # fmt: skip


def _is_cut_off(lease: Lease, taken_back: datetime | None) -> bool:
    """Stopped because the node's owner took the slot back: what it had done until then is lost with it."""
    return (
        taken_back is not None
        and lease.end_reason == Lease.EndReason.STOPPED
        and lease.ended_at is not None
        and lease.ended_at >= taken_back
    )


def _relet(reservation: Reservation, held: Held, free_cancel: timedelta) -> list[Relet]:
    if held.given_back is None or held.given_back_at is None or held.taken_away:
        return []
    if held.given_back_at <= held.granted.start - free_cancel:
        return []
    given_back = relet.GivenBack(
        device_id=held.device_id, during=held.given_back, at=held.given_back_at,
        project_id=reservation.project_id, people=_people({reservation.pk})[reservation.pk],
        to_pay=held.terms.to_pay,
    )  # fmt: skip
    return relet.relet(given_back, _placements_after(given_back, _moved_to(reservation)))


def _moved_to(reservation: Reservation) -> set[int]:
    """The slots that it was moved to, one after the other."""
    found: set[int] = set()
    last = {reservation.pk} if reservation.state == Reservation.State.CANCELLED else set()
    while last:
        moved = Reservation.objects.filter(descendant_of__in=last, change=Reservation.Change.MOVED)
        last = set(moved.values_list("pk", flat=True)) - found
        found |= last
    return found


def _placements_after(given_back: relet.GivenBack, moved_to: set[int]) -> list[relet.Placement]:
    """Later reservations on the same device, as far as somebody pays for them."""
    granted = HoldEvent.objects.filter(
        event=Event.GRANTED, device_id=given_back.device_id, hold_kind="reservation",
        at__gte=given_back.at, during__overlap=(given_back.during.start, given_back.during.end),
    )  # fmt: skip
    later = ReservedDevice.objects.filter(hold_uid__in=granted.values("hold_uid")).select_related(
        "device", "reservation__decision__policy"
    )
    rows = list(later)
    events = _events_by_hold(rows)
    people = _people({row.reservation_id for row in rows})
    return [
        placement
        for row in rows
        if (placement := _placement(row, events.get(row.hold_uid, []), moved_to, people[row.reservation_id]))
        is not None
    ]


def _people(reservations: set[int]) -> dict[int, frozenset[int]]:
    """Whoever held each slot, or one that it came out of, at any time: nobody is a stranger to those."""
    holders: dict[int, set[int]] = {}
    before: dict[int, int | None] = {}
    wanted = reservations
    while wanted:
        rows = Reservation.objects.filter(pk__in=wanted).values_list("pk", "booked_by", "descendant_of")
        for pk, booked_by, descendant_of in rows:
            holders[pk], before[pk] = {booked_by}, descendant_of
        wanted = {pk for pk in before.values() if pk is not None} - before.keys()
    handed = SlotChange.objects.filter(reservation__in=holders, kind=SlotChange.Kind.HANDED_OVER)
    for pk, *both in handed.values_list("reservation", "held_before", "held_after"):
        holders[pk] |= {person for person in both if person is not None}
    found: dict[int, frozenset[int]] = {}
    for pk in reservations:
        people: set[int] = set()
        one: int | None = pk
        while one is not None:
            people |= holders[one]
            one = before[one]
        found[pk] = frozenset(people)
    return found


def _placement(
    row: ReservedDevice, events: Sequence[HoldEvent], moved_to: set[int], people: frozenset[int]
) -> relet.Placement | None:
    held = _one_held(row, events)
    during = None if _is_free(row.reservation) else _paid(held, _free_cancel(row.reservation))
    if during is None:
        return None
    return relet.Placement(
        device_id=row.device_id, during=during, granted_at=events[0].at,
        project_id=row.reservation.project_id, people=people, to_pay=held.terms.to_pay,
        is_its_own=row.reservation_id in moved_to,
    )  # fmt: skip


def _is_free(reservation: Reservation) -> bool:
    """Given up at no charge, however late: called off with its project, for one. Nobody pays it."""
    cancelled = reservation.state == Reservation.State.CANCELLED
    return cancelled and reservation.settled_at == reservation.cancelled_at


def _paid(held: Held, free_cancel: timedelta) -> Interval | None:
    """The time its holder pays for: what was kept, and what was given back too late to be free."""
    is_late = (
        held.given_back_at is not None
        and not held.taken_away
        and held.given_back_at > held.granted.start - free_cancel
    )
    return held.granted if is_late else held.used
