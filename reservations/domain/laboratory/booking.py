"""The requests played through this site's own rules: who books when, what is offered, what is given back.

The verdicts are those of the engine's rules; on what, is for reservations.domain.laboratory.cases.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from reservations.domain.engines import CURRENT, ENGINES
from reservations.domain.laboratory.cases import Cases
from reservations.domain.laboratory.holdings import Booking, Holdings
from reservations.domain.laboratory.occupancy import Occupancy, Span, lowest
from reservations.domain.laboratory.placements import Cluster, Course, Placement, Refused
from reservations.domain.laboratory.requests import HOUR, Ask, Group
from reservations.domain.policy import Policy
from reservations.domain.rules import Case, counted

NAME = "equinode"
FREE, ROOM = "free", "room"

# Later starts that are tried after the first free one, in hours: nearest first, up to the patience.
LATER = (0, 1, 4, 12, 24, 48, 96, 168)
_ENGINE = ENGINES[CURRENT]
_END, _BEGIN, _ASK, _AGAIN, _LOOK = range(5)  # in this order at one moment

Ticks = Callable[[int], None]
Shape = tuple[str, str, int, int, int]


@dataclass(frozen=True)
class Person:
    """How whoever asks goes on after a refusal: what a trace does not say."""

    patience_hours: int = 168  # from when the job is ready to the latest start
    again_hours: int = 4  # until they ask again
    look_hours: int = 4  # until they look whether a later slot can be moved up; 0: they never do


def booked(
    asks: Sequence[Ask], cluster: Cluster, *, groups: Mapping[str, Group], policy: Policy, zone: str,
    person: Person, tick: Ticks,
) -> Course:  # fmt: skip
    return _Site(cluster, groups, policy, zone, person, asks).play(tick)


def refusing(case: Case) -> Iterator[str]:
    """What refuses: the engine in use, without the quote and alternatives that take most of its time."""
    for rule in _ENGINE.rules:
        answer = rule(case)
        if answer is not None and answer.refuses:
            yield answer.code


class _Site:
    def __init__(
        self, cluster: Cluster, groups: Mapping[str, Group], policy: Policy, zone: str, person: Person,
        asks: Sequence[Ask],
    ) -> None:  # fmt: skip
        self._person = person
        self._mark = policy.mark_minutes * 60
        self._asks = {ask.number: ask for ask in asks}
        # When, what, which request, and the how manieth slot of it is meant.
        self._events: list[tuple[int, int, int, int]] = [(ask.asked, _ASK, ask.number, 0) for ask in asks]
        heapify(self._events)
        since = self._events[0][0]
        self._pools = {
            pool: Occupancy(devices, self._mark, since=since) for pool, devices in cluster.devices.items()
        }
        self._holdings = Holdings(cluster, groups, policy, zone, since=since)
        self._cases = Cases(cluster, groups, policy, zone, self._holdings)
        self._bookings: dict[int, Booking] = {}
        self._slots: Counter[int] = Counter()
        self._placed: list[Placement] = []
        self._refused: list[Refused] = []
        self._first: Counter[str] = Counter()
        self._moved: set[int] = set()
        # Refused for now, by what they want; and what refused the last of them that asked.
        self._waiting: dict[Shape, deque[Ask]] = {}
        self._reasons: dict[Shape, str] = {}
        self._again_at = 0

    def play(self, tick: Ticks) -> Course:
        day = 0
        while self._events:
            now, what, number, slot = heappop(self._events)
            if what == _ASK:
                self._ask(self._asks[number], now)
            elif what == _AGAIN:
                self._all_ask_again(now)
            elif slot == self._slots[number]:
                self._go_on(what, self._bookings[number], now)
            if now >= day:
                day = now + 24 * HOUR
                for pool in self._pools.values():
                    pool.forget(now)
            tick(len(self._placed) + len(self._refused))
        placed = tuple(sorted(self._placed, key=lambda placement: placement.ask.number))
        refused = tuple(sorted(self._refused, key=lambda one: one.ask.number))
        return Course(NAME, placed, refused, dict(sorted(self._first.items())), len(self._moved))

    def _go_on(self, what: int, booking: Booking, now: int) -> None:
        if what == _BEGIN:
            self._pools[booking.ask.pool].begin(booking.mask)
        elif what == _END:
            self._end(booking, now)
        else:
            self._look(booking, now)

    # --- one request ----------------------------------------------------------------------------------
    def _ask(self, ask: Ask, now: int) -> None:
        """For the first time: then every rule is heard."""
        wanted = self._wanted_start(ask, now)
        case, free = self._cases.of(ask, wanted, now), self._free(ask, wanted, now)
        refused = [*refusing(case), *([FREE] if free.bit_count() < ask.devices else [])]
        self._first.update(refused)
        if not refused:
            self._book(ask, case, wanted, lowest(free, ask.devices), now)
        elif self._refused_later(ask, refused[0], now):
            self._waiting.setdefault(_shape(ask, now), deque()).append(ask)
            self._come_back(now)

    def _refused_again(self, ask: Ask, now: int) -> str | None:
        """What refuses whatever start they have patience for; None where one is granted, and booked."""
        refused = self._refused_now(ask, now)
        return self._refused_later(ask, refused, now) if refused else None

    def _refused_later(self, ask: Ask, refused: str, now: int) -> str | None:
        """The same of later starts, after what refused the one that is wanted most."""
        # Later hours need no less room.
        if refused == ROOM or not self._booked_by(ask, self._latest(ask), now):
            return refused
        self._moved.add(ask.number)
        return None

    def _refused_now(self, ask: Ask, now: int) -> str | None:
        """The same of the start that is wanted most."""
        wanted = self._wanted_start(ask, now)
        free = self._free(ask, wanted, now)
        if free.bit_count() < ask.devices:
            return FREE
        case = self._cases.of(ask, wanted, now)
        refused = next(refusing(case), None)
        if refused is None:
            self._book(ask, case, wanted, lowest(free, ask.devices), now)
        return refused

    def _free(self, ask: Ask, start: int, now: int) -> int:
        return self._pools[ask.pool].free(self._cases.span(ask, start), now)

    def _latest(self, ask: Ask) -> int:
        """The latest start that they have patience for."""
        return ask.ready + self._person.patience_hours * HOUR

    # --- asking again ---------------------------------------------------------------------------------
    def _come_back(self, now: int) -> None:
        """At the next full hours there are, once for all who wait."""
        between = self._person.again_hours * HOUR
        again = (now // between + 1) * between
        if self._again_at < again:
            self._again_at = again
            heappush(self._events, (again, _AGAIN, 0, 0))

    def _ask_again(self, shape: Shape, now: int) -> None:
        """Those who want alike ask one after the other, until one is refused."""
        waiting = self._waiting[shape]
        while waiting:
            if refused := self._refused_again(waiting[0], now):
                self._reasons[shape] = refused
                return
            waiting.popleft()
        del self._waiting[shape]

    def _next_asks_again(self, project: str, now: int) -> None:
        """Room has come back to a project: whoever of it has waited longest asks, then those alike."""
        ours = [shape for shape in self._waiting if shape[0] == project and shape[-1] < 0]
        if ours:
            self._ask_again(min(ours, key=lambda shape: self._waiting[shape][0].number), now)

    def _all_ask_again(self, now: int) -> None:
        for shape in [*self._waiting]:
            self._ask_again(shape, now)
        for shape, waiting in [*self._waiting.items()]:
            del self._waiting[shape]
            for ask in waiting:
                if self._latest(ask) > now:
                    self._waiting.setdefault(_shape(ask, now), deque()).append(ask)
                else:
                    self._refused.append(Refused(ask, self._reasons[shape]))
        if self._waiting:
            self._come_back(now)

    def _booked_by(self, ask: Ask, until: int, now: int) -> bool:
        """Whether there is a slot after the wanted start that every rule grants; then it is booked."""
        case: Case | None = None
        for start, free in self._later(ask, self._wanted_start(ask, now), until):
            case = self._cases.of(ask, start, now, case)
            refused = next(refusing(case), None)
            if refused is None:
                self._book(ask, case, start, lowest(free, ask.devices), now)
                return True
            if refused == ROOM:  # no later mark has fewer hours that need room
                return False
        return False

    def _wanted_start(self, ask: Ask, now: int) -> int:
        """Now, once the job is ready; before that the first mark at which it is."""
        return now if ask.ready <= now else -(-ask.ready // self._mark) * self._mark

    def _later(self, ask: Ask, wanted: int, until: int) -> Iterator[tuple[int, int]]:
        """Starts with enough free devices: the first there is, and others ever further from it."""
        length = self._cases.span(ask, 0).end
        first, steps = None, iter(LATER)
        step = next(steps)
        for start, free in self._pools[ask.pool].free_starts(ask.devices, length, wanted + 1, until):
            first = start if first is None else first
            if start >= first + step * HOUR:
                yield start, free
                if (further := next(steps, None)) is None:
                    return
                step = further

    # --- moving up ------------------------------------------------------------------------------------
    def _look(self, booking: Booking, now: int) -> None:
        """Whoever got a later slot than they wanted takes an earlier one, where there is one by now."""
        ask = booking.ask
        self._cancel(booking)
        if not self._moved_up(booking, now):
            self._hold(booking, now)
        else:
            booking = self._bookings[ask.number]
        self._look_again(booking, now)

    def _moved_up(self, booking: Booking, now: int) -> bool:
        refused = self._refused_now(booking.ask, now)
        if refused is None or refused == ROOM:
            return refused is None
        return self._booked_by(booking.ask, booking.start - self._mark, now)

    def _look_again(self, booking: Booking, now: int) -> None:
        again = now + self._person.look_hours * HOUR
        is_late = booking.start > self._wanted_start(booking.ask, now)
        if self._person.look_hours and is_late and again < booking.start:
            heappush(self._events, (again, _LOOK, booking.ask.number, self._slots[booking.ask.number]))

    # --- a slot's course ------------------------------------------------------------------------------
    def _book(self, ask: Ask, case: Case, start: int, mask: int, now: int) -> None:
        span = self._cases.span(ask, start)
        booking = Booking(ask, span.start, span.end, mask, case, counted(case))
        self._slots[ask.number] += 1
        self._hold(booking, now)
        slot = self._slots[ask.number]
        if start > now:
            heappush(self._events, (start, _BEGIN, ask.number, slot))
        heappush(self._events, (start + ask.runs, _END, ask.number, slot))
        if slot == 1:
            self._look_again(booking, now)

    def _hold(self, booking: Booking, now: int) -> None:
        self._pools[booking.ask.pool].hold(booking.mask, Span(booking.start, booking.end), now)
        self._holdings.book(booking)
        self._bookings[booking.ask.number] = booking

    def _cancel(self, booking: Booking) -> None:
        """Before it begins."""
        self._pools[booking.ask.pool].cancel(booking.mask, Span(booking.start, booking.end))
        self._holdings.cancel(booking)
        del self._bookings[booking.ask.number]

    def _end(self, booking: Booking, now: int) -> None:
        """The job is done: the rest of its slot is free for others from this second on."""
        self._pools[booking.ask.pool].release(booking.mask, Span(booking.start, booking.end), now)
        self._holdings.release(booking, now)
        del self._bookings[booking.ask.number]
        self._placed.append(Placement(booking.ask, booking.start, now, booking.end, booking.mask))
        self._next_asks_again(booking.ask.project, now)


def _shape(ask: Ask, now: int) -> Shape:
    """Those alike are answered alike; whoever is not ready yet is alike to nobody."""
    return ask.project, ask.pool, ask.devices, ask.length, ask.number if ask.ready > now else -1
