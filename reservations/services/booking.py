"""Asking for a slot, booking it and giving it up before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project, User
from common.prepared import prepared
from common.ranges import between, bounds
from nodes.models import Hold, Node
from nodes.services import occupancy
from pricing.models import Grant
from pricing.selectors import Rate
from pricing.services import grants as purse
from reservations import wording
from reservations.domain.asking import Request
from reservations.domain.decision import Answer
from reservations.domain.jobs import Terms
from reservations.domain.policy import Policy as Rules
from reservations.domain.rules import Case, counted, covered
from reservations.errors import CancelRefused, Refused, TooFarAway
from reservations.models import Decision, Reservation
from reservations.selectors import decisions, policies, snapshots
from reservations.selectors.snapshots import Wanted
from reservations.services import counters, counting, deciding, runs, slots, telling, usage
from reservations.services.deciding import Decided

# Rules count week by week: a slot of thousands of years would keep them busy and fill a stored decision.
_FARTHEST_YEARS = 10

# One statement instead of three: bookings per second count, and the rows belong together.
_RESERVE = """
WITH reservation AS (
    INSERT INTO reservations_reservation
           (uid, project_id, booked_by_id, decision_id, during, state, quoted_price, created_at,
            descendant_of_id, change)
    VALUES (%(uid)s, %(project)s, %(user)s, %(decision)s, %(during)s, 'booked', %(price)s, %(at)s,
            %(descendant_of)s, %(change)s)
    RETURNING id
), reserved AS (
    INSERT INTO reservations_reserveddevice
           (reservation_id, device_id, hold_uid, weight, price, fee, tariff_id)
    SELECT reservation.id, device.* FROM reservation, unnest(
           %(devices)s::bigint[], %(holds)s::uuid[], %(weights)s::numeric[], %(prices)s::numeric[],
           %(fees)s::numeric[], %(tariffs)s::bigint[]) AS device
)
UPDATE reservations_vertex
   SET committed = committed + %(hours)s::numeric, last_active_at = greatest(last_active_at, %(at)s)
 WHERE project_id = %(project)s
RETURNING (SELECT id FROM reservation)
"""


@dataclass(frozen=True)
class JobSpec:
    """What to run first in the slot; on a reservation over several nodes, on the first of them."""

    script: str
    environment: Mapping[str, str] = field(default_factory=dict)
    bring_back: Sequence[str] = ()
    terms: Terms = Terms()


@counting.retried
def preview(
    *,
    project: Project,
    devices: Sequence[UUID],
    start: datetime | None,
    end: datetime,
    asked_by: User,
    at: datetime,
) -> Answer:
    """What `book` would answer now. Nothing is locked, held or stored. Without a start: now."""
    if not project.memberships.filter(user=asked_by).exists():
        raise deciding.not_a_member()
    _policy, rules = policies.in_force(at)
    request = request_of(project=project, devices=devices, start=start, end=end, at=at)
    its_grants = Grant.objects.filter(project=project).order_by("id")
    wanted = snapshots.wanted_devices(devices)
    decided = deciding.decide(
        request=request, project_id=project.pk, asked_by_id=asked_by.pk, wanted=wanted, grants=its_grants,
        rules=rules,
    )  # fmt: skip
    return decided.answer


@counting.retried
def book(
    *,
    project: Project,
    devices: Sequence[UUID],
    start: datetime | None,
    end: datetime,
    asked_by: User,
    at: datetime,
    job: JobSpec | None = None,
) -> Reservation:
    """Book the devices for the project, or raise Refused. Either way the decision is stored for good.

    Without a start the slot starts now.
    """
    request = request_of(project=project, devices=devices, start=start, end=end, at=at)
    with transaction.atomic():
        decision, answer, reservation = _decide_and_write(request, project, asked_by, job)
    if reservation is None:  # raised only now, when the refusal's decision is committed
        raise refusal(wording.headline(answer), decision, answer)
    return reservation


def refusal(
    message: str, decision: Decision, answer: Answer, told: Mapping[str, str] | None = None
) -> Refused:
    """`told`: what each alternative says of itself, where it is more than a booking."""
    offers: Any = answer.to_json().get("alternatives", [])
    return Refused(
        message, decision=decision, answer=answer,
        decision_uid=str(decision.uid), rules=wording.as_json(answer),
        alternatives=[{**one, **(told or {})} for one in offers],
    )  # fmt: skip


def request_of(
    *, project: Project, devices: Sequence[UUID], start: datetime | None, end: datetime, at: datetime
) -> Request:
    """Without a start: now. TooFarAway where no rule was made for."""
    reach = timedelta(days=366 * _FARTHEST_YEARS)
    if not (at - reach <= (start or at) <= at + reach and at - reach <= end <= at + reach):
        raise TooFarAway(
            _("A slot starts and ends within %(years)d years of today.") % {"years": _FARTHEST_YEARS},
            years=_FARTHEST_YEARS,
        )
    wanted = tuple(sorted({str(uid) for uid in devices}))
    return Request(project=str(project.uid), devices=wanted, start=start or at, end=end, at=at)


def _decide_and_write(
    request: Request, project: Project, asked_by: User, job: JobSpec | None
) -> tuple[Decision, Answer, Reservation | None]:
    """Lock in the one order: project, grants, and devices only when they are to be held.

    Who is refused needs no device's lock, so a crowd that wants what is taken does not queue for it.
    """
    policy = deciding.lock_project(project_id=project.pk, user_id=asked_by.pk, at=request.at)
    its_grants = purse.lock_grants(project_id=project.pk)
    placing = decide_and_hold(
        request=request, project=project, holder=asked_by, its_grants=its_grants, rules=policy.rules
    )
    decision = deciding.record(decided=placing.decided, project=project, asked_by=asked_by, policy=policy)
    if not placing.is_granted:
        return decision, placing.decided.answer, None
    reservation = write(placing=placing, decision=decision, its_grants=its_grants, rules=policy.rules)
    if job is not None:
        _queue(job, reservation, placing.decided.wanted[0], asked_by, request.at)
    return decision, placing.decided.answer, reservation


@dataclass(frozen=True)
class Placing:
    """A reservation that is about to be, with the answer to it and the holds it has, if any."""

    reservation: Reservation
    decided: Decided
    holds: Sequence[Hold]

    @property
    def is_granted(self) -> bool:
        return self.decided.answer.quote is not None and self.decided.answer.is_granted


def decide_and_hold(
    *,
    request: Request,
    project: Project,
    holder: User,
    its_grants: list[Grant],
    rules: Rules,
    descendant_of: Reservation | None = None,
    change: str = "",
) -> Placing:
    """Decide on what the database says now, and take the devices where every rule passes.

    The project and its grants are locked by the caller.
    """
    wanted = snapshots.wanted_devices([UUID(uid) for uid in request.devices])
    reservation = Reservation(
        project=project, booked_by=holder, during=between(request.start, request.end), created_at=request.at,
        descendant_of=descendant_of, change=change,
    )  # fmt: skip
    holds: list[Hold] = []

    def decide() -> Decided:
        return deciding.decide(
            request=request, project_id=project.pk, asked_by_id=holder.pk, wanted=wanted,
            grants=its_grants, rules=rules,
        )  # fmt: skip

    decided = decide()
    while decided.answer.is_granted and not (holds := _count_and_hold(reservation, decided, rules)):
        # Somebody was quicker. They have committed, so now they are seen, and told of.
        decided = decide()
    return Placing(reservation, decided, holds)


def write(*, placing: Placing, decision: Decision, its_grants: list[Grant], rules: Rules) -> Reservation:
    """Set its money aside and store what was granted."""
    reservation = placing.reservation
    reservation.decision = decision
    _pay(reservation, placing.decided, rules, its_grants)
    _reserve(reservation, placing.decided, placing.holds)
    return reservation


def _count_and_hold(reservation: Reservation, decided: Decided, rules: Rules) -> list[Hold]:
    """Count the slot in the cells that all projects share, then take the devices: both, or nothing."""
    at, reference = reservation.created_at, reservation.reference
    case = Case.of(decided.request, decided.snapshot, rules)
    project = decided.snapshot.project
    its_class = (project and project.project_class) or ""
    if not counters.take(counted=counted(case), reference=reference, project_class=its_class, at=at):
        return []
    holds = _hold(reservation, decided)
    if not holds:
        counters.give_back(references=[reference], at=at)
    return holds


def _hold(reservation: Reservation, decided: Decided) -> list[Hold]:
    """Take the devices, or none where one was taken since the snapshot was read."""
    wanted = [occupancy.WantedHold(id, rate.weight, rate.to_pay) for id, rate in decided.rates.items()]
    return occupancy.hold_if_free(
        wanted=wanted, during=reservation.during, reference=reservation.reference,
        kind=Hold.Kind.RESERVATION, at=reservation.created_at,
    )  # fmt: skip


def _pay(reservation: Reservation, decided: Decided, rules: Rules, its_grants: list[Grant]) -> None:
    paid = covered(Case(decided.request, decided.snapshot, rules))
    purse.encumber(grants=its_grants, cover=paid, reference=reservation.reference)
    telling.grants_used(grants=its_grants, parts=paid.parts, at=reservation.created_at)
    reservation.quoted_price = paid.total


def _reserve(reservation: Reservation, decided: Decided, holds: Sequence[Hold]) -> None:
    rates = [decided.rates[hold.device_id] for hold in holds]
    values: dict[str, Any] = {
        "uid": reservation.uid, "project": reservation.project_id, "user": reservation.booked_by_id,
        "decision": reservation.decision_id, "during": reservation.during,
        "price": reservation.quoted_price, "at": reservation.created_at,
        "descendant_of": reservation.descendant_of_id, "change": reservation.change,
        "hours": _weighted_hours(decided.request, rates),
        "devices": [hold.device_id for hold in holds], "holds": [hold.uid for hold in holds],
        "weights": [rate.weight for rate in rates], "prices": [rate.price for rate in rates],
        "fees": [rate.fee for rate in rates], "tariffs": [rate.tariff_id for rate in rates],
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_RESERVE, values)
        (reservation.pk,) = cursor.fetchone()
    reservation._state.adding = False


def _weighted_hours(request: Request, rates: Sequence[Rate]) -> Decimal:
    """Hold by hold, as they will be counted back."""
    length = request.end - request.start
    return sum((usage.weighted_hours(rate.weight, length) for rate in rates), Decimal(0))


def _queue(job: JobSpec, reservation: Reservation, first: Wanted, by: User, at: datetime) -> None:
    node = Node.objects.get(slug=first.node)
    runs.queue_run(
        reservation=reservation, node=node, script=job.script, environment=job.environment,
        bring_back=job.bring_back, terms=job.terms, by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def cancel(*, reservation: Reservation, by: User, at: datetime) -> Reservation:
    """Give a slot up before it begins. Free until shortly before; later, hours nobody else takes are paid.

    A late cancellation keeps its money set aside until it is settled, after the slot.
    """
    reservation = slots.locked(reservation)
    runs.require_keeper(reservation=reservation, by=by)
    require_not_begun(reservation, at)
    if is_free_to_give_up(reservation, at):
        purse.lock_grants(project_id=reservation.project_id)
    give_up(reservation=reservation, at=at)
    telling.slot_cancelled(reservation=reservation, by=by, at=at)
    return reservation


def is_free_to_give_up(reservation: Reservation, at: datetime) -> bool:
    """Under the policy it was booked under: a later one does not reach back."""
    start, _end = bounds(reservation.during)
    return at <= start - decisions.numbers_of(reservation.decision).free_cancel


def give_up(*, reservation: Reservation, at: datetime) -> None:
    """Give back all that a slot holds before it begins. Project, slot and grants are locked by the caller."""
    counters.give_back(references=[reservation.reference], at=at)
    slots.lock_devices(reservation)
    events = occupancy.cancel_holds(reference=reservation.reference, at=at)
    usage.give_back(events=events, project_id=reservation.project_id)
    reservation.state, reservation.cancelled_at = Reservation.State.CANCELLED, at
    if is_free_to_give_up(reservation, at):
        purse.release_encumbrance(reference=reservation.reference, at=at)
        reservation.settled_at = at
    reservation.save(update_fields=["state", "cancelled_at", "settled_at"])
    runs.stop_all(reservation=reservation, at=at)  # a node may have staged the first job already


def require_not_begun(reservation: Reservation, at: datetime) -> None:
    start, _end = bounds(reservation.during)
    if reservation.state == Reservation.State.CANCELLED:
        raise CancelRefused(_("This reservation is cancelled already."))
    if reservation.state != Reservation.State.BOOKED:  # ended, or released by whose clock was a moment ahead
        raise CancelRefused(_("This reservation is over."))
    if start <= at:
        raise CancelRefused(_("This slot has begun, so it can no longer be cancelled."))
