"""What a slot comes to once it is over: the lines of its bill, from the facts about it.

Times are half-open. A line's quantity is in device-hours, a credit's is negative. Which grants
pay, and the rounding of amounts, is pricing's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import groupby

from nodes.domain.intervals import Interval, common, without
from pricing.domain.declared import EXACT
from pricing.domain.grants import hours_between

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Terms:
    """What a device-hour on a node costs in this reservation, frozen by its decision."""

    node_id: int
    tariff_id: int
    price: Decimal  # EUR per device-hour
    fee: Decimal  # EUR per device-hour, the site's

    @property
    def to_pay(self) -> Decimal:
        return self.price + self.fee


@dataclass(frozen=True)
class Held:
    """One device of the reservation: the time granted, and what of it was given back when."""

    device_id: int
    terms: Terms
    granted: Interval
    given_back: Interval | None = None
    given_back_at: datetime | None = None
    taken_away: bool = False  # by the owner or a failure: nobody pays for that

    @property
    def used(self) -> Interval | None:
        """The time that was kept, used or not."""
        end = self.given_back.start if self.given_back else self.granted.end
        return Interval(self.granted.start, end) if self.granted.start < end else None


@dataclass(frozen=True)
class Relet:
    """Time given back late that somebody else then took: what each device-hour gives back."""

    device_id: int
    during: Interval
    refund: Decimal  # EUR per device-hour: the lesser of one's own and the next holder's price


@dataclass(frozen=True)
class Execution:
    """A run as its node reported it."""

    node_id: int
    number: int
    ready_at: datetime  # when the node was given it
    not_before: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_lost: bool
    is_refused: bool = False  # by the node or its owner: nothing was run
    delay: timedelta = timedelta(0)  # from not_before to the process, on the node's own clock


@dataclass(frozen=True)
class Facts:
    held: Sequence[Held]
    executions: Sequence[Execution]
    free_cancel: timedelta  # given back so long before the start costs nothing
    relet: Sequence[Relet] = ()


@dataclass(frozen=True)
class Line:
    """One row of the bill; `category` and `item` are those of pricing.models.Charge."""

    terms: Terms
    category: str
    item: str
    quantity: Decimal
    unit_price: Decimal
    during: Interval
    detail: dict[str, str | int] = field(default_factory=dict)


def bill(facts: Facts) -> list[Line]:
    """Every line, charges before the credits that undo parts of them."""
    charges, credits_ = [], []
    for terms, held in _by_terms(facts.held):
        charges += _kept(terms, held)
        charges += _given_back_late(terms, held, facts.free_cancel)
        credits_ += _relet(terms, held, facts)
        waited = _waited(terms, held, facts.executions)
        credits_ += _late_start(terms, held, waited)
        credits_ += _lost(terms, held, facts.executions, waited)
    return [line for line in charges + credits_ if line.quantity]


def price_of(per_hour: Iterable[Decimal], length: timedelta) -> Decimal:
    """What devices at these prices come to over some time, to the sixth decimal."""
    with localcontext(EXACT):
        whole = sum(per_hour, Decimal(0)) * (length // timedelta(microseconds=1)) / 3_600_000_000
        return whole.quantize(Decimal("0.000001"))


def hours_of(devices: int, length: timedelta) -> Decimal:
    """Device-hours, to the sixth decimal."""
    return price_of([Decimal(devices)], length)


def _by_terms(held: Iterable[Held]) -> list[tuple[Terms, list[Held]]]:
    def key(one: Held) -> tuple[int, int, Decimal, Decimal]:
        terms = one.terms
        return terms.node_id, terms.tariff_id, terms.price, terms.fee

    return [(group[0].terms, group) for _, g in groupby(sorted(held, key=key), key) for group in [list(g)]]


def _kept(terms: Terms, held: Sequence[Held]) -> list[Line]:
    return _charged(terms, "usage", [one.used for one in held if one.used])


def _given_back_late(terms: Terms, held: Sequence[Held], free_cancel: timedelta) -> list[Line]:
    return _charged(terms, "unused", [one.given_back for one in _late(held, free_cancel) if one.given_back])


def _late(held: Iterable[Held], free_cancel: timedelta) -> list[Held]:
    """Those given back by the holder when it was too late to be free."""
    return [
        one
        for one in held
        if one.given_back_at is not None
        and not one.taken_away
        and one.given_back_at > one.granted.start - free_cancel
    ]


def _charged(terms: Terms, category: str, times: Sequence[Interval]) -> list[Line]:
    if not times:
        return []
    hours, during = _hours(times), _span(times)
    slot = Line(terms, category, "slot", hours, terms.price, during, {"devices": len(times)})
    fee = Line(terms, category, "fee", hours, terms.fee, during, {"devices": len(times)})
    return [slot, fee] if terms.fee else [slot]


def _relet(terms: Terms, held: Sequence[Held], facts: Facts) -> list[Line]:
    late = {one.device_id: one for one in _late(held, facts.free_cancel)}
    lines = []
    for piece in facts.relet:
        given_back = late[piece.device_id].given_back if piece.device_id in late else None
        during = common(piece.during, given_back) if given_back else None
        if during is not None:
            refund = min(piece.refund, terms.to_pay)
            lines.append(Line(terms, "credit", "relet", -_hours([during]), refund, during, {"devices": 1}))
    return lines


@dataclass(frozen=True)
class _Waited:
    """What the first job of a slot had to wait for the node, in whole seconds."""

    during: Interval
    seconds: int
    run: int


def _waited(terms: Terms, held: Sequence[Held], executions: Sequence[Execution]) -> _Waited | None:
    """Only the first run of the slot can be late, and only if the node had it in time.

    The first that was not over before the slot began: a node has jobs a day ahead, and loses or stops some.
    """
    slot = min(one.granted.start for one in held)
    mine = [one for one in executions if one.node_id == terms.node_id]
    open_ones = [one for one in mine if one.ended_at is None or one.ended_at > slot]
    first = min(open_ones, key=lambda one: one.number, default=None)
    if first is None or first.started_at is None or first.ready_at > slot:
        return None
    late = first.delay // SECOND * SECOND
    if late <= timedelta(0):
        return None
    return _Waited(Interval(first.not_before, first.not_before + late), late // SECOND, first.number)


def _late_start(terms: Terms, held: Sequence[Held], waited: _Waited | None) -> list[Line]:
    if waited is None:
        return []
    detail: dict[str, str | int] = {"seconds": waited.seconds, "run": waited.run}
    return _credited(terms, "late_start", [waited.during], held, detail)


def _lost(
    terms: Terms, held: Sequence[Held], executions: Sequence[Execution], waited: _Waited | None
) -> list[Line]:
    mine = sorted((one for one in executions if one.node_id == terms.node_id), key=lambda one: one.number)
    end = max(one.granted.end for one in held)
    lost = [time for place, one in enumerate(mine) if (time := _undelivered(one, mine[place + 1 :], end))]
    # A node tells its own delay: what is credited for that is not credited again, whatever it told.
    rest = [part for time in _merged(lost) for part in (without(time, waited.during) if waited else [time])]
    return _credited(terms, "lost", rest, held, {})


def _undelivered(run: Execution, later: Sequence[Execution], slot_end: datetime) -> Interval | None:
    """Lost: from its start, or its due time, until that was known. Refused: until the node ran something."""
    if run.is_lost and run.ended_at is not None:
        return Interval(run.started_at or run.not_before, run.ended_at)
    if run.is_refused:
        starts = (one.started_at for one in later if one.started_at is not None)
        return Interval(run.not_before, next(starts, slot_end))
    return None


def _credited(
    terms: Terms, item: str, times: Sequence[Interval], held: Sequence[Held], detail: dict[str, str | int]
) -> list[Line]:
    """One line for these times on every held device, as far as it kept them."""
    lines = []
    for time in times:
        parts = [part for one in held if one.used and (part := common(time, one.used))]
        if parts:
            detail = detail | {"devices": len(parts)}
            lines.append(Line(terms, "credit", item, -_hours(parts), terms.to_pay, _span(parts), detail))
    return lines


def _merged(times: Iterable[Interval]) -> list[Interval]:
    """The same time without overlaps, so that none is given back twice."""
    merged: list[Interval] = []
    for time in sorted(time for time in times if time.start < time.end):
        if merged and time.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, time.end))
        else:
            merged.append(time)
    return merged


def _span(times: Sequence[Interval]) -> Interval:
    return Interval(min(time.start for time in times), max(time.end for time in times))


def _hours(times: Iterable[Interval]) -> Decimal:
    with localcontext(EXACT):
        return sum((hours_between(time.start, time.end) for time in times), Decimal(0))
